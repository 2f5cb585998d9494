# bash completion for cordon: verbs and options come from cordon's own help, so they cannot grow stale.
_cordon()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} at=2 words
	COMPREPLY=()
	if [ "$verb" = geo ] && [ "$COMP_CWORD" -gt 2 ]; then
		verb="geo ${COMP_WORDS[2]}" at=3
	fi
	case $prev in
	--mode) words="monitor enforce"; [ "${COMP_WORDS[1]}" = reload ] && words+=" policy" ;;
	--from) [[ $verb = suggest || $verb = diff ]] && words="ledger capture" ;;
	--source) words="ebpf pcap" ;;
	--lang) words="en fr" ;;
	--devices) [ "$verb" = run ] && words="none own all" ;;
	--names) [ "$verb" = run ] && words="on off" ;;
	--opened) words="here peer" ;;
	--interface) words=$(ls /sys/class/net 2>/dev/null) ;;
	--proto) words="tcp udp icmp sctp" ;;
	esac
	if [ -z "$words" ] && [ "$COMP_CWORD" = 1 ]; then
		words="$(cordon --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p') --help --version"
	elif [ -z "$words" ] && [ "$COMP_CWORD" = 2 ] && [ "$verb" = geo ]; then
		words="$(cordon geo --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p') --help"
	elif [ -z "$words" ] && [ "${cur#-}" != "$cur" ] && [ "$COMP_CWORD" -ge "$at" ]; then
		# shellcheck disable=SC2086 # 'geo build' is two words
		words="$(cordon $verb --help 2>/dev/null | sed -nE 's/^ +(-[a-z], +)?(--[a-z][a-z-]*).*/\2/p') --help"
	fi
	if [ "$verb" = "geo bundle" ] && [ "$COMP_CWORD" = 3 ] && [ "${cur#-}" = "$cur" ]; then
		words="make install show --help"
	fi
	if [ "$verb" = quarantine ] && [ "$COMP_CWORD" = 2 ] && [ "${cur#-}" = "$cur" ]; then
		words="add list remove --help"
	fi
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -F _cordon cordon
