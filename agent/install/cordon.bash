# bash completion for cordon: verbs and options come from cordon's own help, so they cannot grow stale.
_cordon()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} words
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		words=$(cordon help 2>/dev/null | awk '/^  [a-z]/ { print $1 }')
		mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
		return
	fi
	case $prev in
	--mode) words="monitor enforce"; [ "${COMP_WORDS[1]}" = reload ] && words+=" policy" ;;
	--source) words="ebpf pcap" ;;
	--opened) words="here peer" ;;
	--interface) words=$(ls /sys/class/net 2>/dev/null) ;;
	--proto) words="tcp udp icmp sctp" ;;
	--policy | --geo | --alerts | --control | --pin | --cgroup | --summary)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*)
		case $cur in
		-*) words=$(cordon "$verb" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u) ;;
		*)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _cordon cordon
