#compdef cordon
# zsh completion for cordon: verbs and options, with what they do, come from cordon's own help, so they cannot grow stale.
_cordon()
{
	local verb=${words[2]} at=3
	local -a found

	# 'verb  what it does' and '--option ARG  what it does', as _describe takes them
	_cordon_verbs() { cordon "$@" --help 2>/dev/null | sed -nE 's/^  ([a-z]+)  +(.*)/\1:\2/p'; }
	_cordon_options() { cordon "$@" --help 2>/dev/null | sed -nE 's/^ +(-[a-z], +)?(--[a-z][a-z-]*)( [A-Z]+)* *(.*)/\2:\4/p'; }

	if [[ $verb = geo ]] && (( CURRENT > 3 )); then
		verb="geo ${words[3]}" at=4
	fi
	case ${words[CURRENT-1]} in
	--mode) found=(monitor enforce); [[ $verb = reload ]] && found+=(policy) ;;
	--source) found=(ebpf pcap) ;;
	--lang) found=(en fr) ;;
	--devices) [[ $verb = run ]] && found=(none own all) ;;
	--from) [[ $verb = suggest || $verb = diff ]] && found=(ledger capture) ;;
	--opened) found=(here peer) ;;
	--interface) found=(/sys/class/net/*(N:t)) ;;
	--proto) found=(tcp udp icmp sctp) ;;
	esac
	if (( ! $#found && CURRENT == 2 )); then
		found=(${(f)"$(_cordon_verbs)"} '--help:this list' '--version:the version')
	elif (( ! $#found && CURRENT == 3 )) && [[ $verb = geo ]]; then
		found=(${(f)"$(_cordon_verbs geo)"} '--help:this list')
	elif (( ! $#found && CURRENT >= at )) && [[ $PREFIX = -* ]]; then
		found=(${(f)"$(_cordon_options ${=verb})"} '--help:what the verb takes')
	elif (( CURRENT == 4 )) && [[ $verb = "geo bundle" ]]; then
		found=(make install show --help)
	elif (( CURRENT == 3 )) && [[ $verb = quarantine ]]; then
		found=(add list remove --help)
	fi
	if (( $#found )); then
		if [[ $PREFIX = -* ]]; then
			_describe -o option found
		else
			_describe word found
		fi
	else
		_files
	fi
}
_cordon "$@"
