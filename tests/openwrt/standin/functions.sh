# As much of OpenWrt's /lib/functions.sh as an init script uses. A UCI file is words of the shell.
reset_cb() { config_cb() { :; }; option_cb() { :; }; list_cb() { :; }; }
reset_cb

config() {
	CONFIG_NUMBER=$((CONFIG_NUMBER + 1))
	CONFIG_SECTION="${2:-cfg$CONFIG_NUMBER}"
	case " $CONFIG_SECTIONS " in
		*" $CONFIG_SECTION "*) ;;
		*) CONFIG_SECTIONS="$CONFIG_SECTIONS $CONFIG_SECTION" ;;
	esac
	eval "CONFIG_${CONFIG_SECTION}_TYPE=\$1"
	config_cb "$1" "$CONFIG_SECTION"
}
option() {
	eval "CONFIG_${CONFIG_SECTION}_$1=\$2"
	option_cb "$1" "$2"
}
list() {
	CONFIG_LISTS="$CONFIG_LISTS CONFIG_${CONFIG_SECTION}_$1"
	eval "CONFIG_${CONFIG_SECTION}_$1=\"\${CONFIG_${CONFIG_SECTION}_$1:+\$CONFIG_${CONFIG_SECTION}_$1 }\$2\""
	list_cb "$1" "$2"
}

config_load() {
	[ -z "$CONFIG_LISTS" ] || unset $CONFIG_LISTS
	CONFIG_LISTS='' CONFIG_SECTIONS='' CONFIG_NUMBER=0
	[ ! -e "/etc/config/$1" ] || . "/etc/config/$1"
	config_cb
}
config_get() { eval "$1=\"\${CONFIG_${2}_${3}:-\$4}\""; }
config_get_bool() {
	eval "local ___value=\"\${CONFIG_${2}_${3}:-\$4}\""
	case "$___value" in
		1 | on | true | yes | enabled) ___value=1 ;;
		0 | off | false | no | disabled) ___value=0 ;;
		*) ___value="$4" ;;
	esac
	eval "$1=\$___value"
}
config_foreach() {
	local ___do="$1" ___type="$2" ___each ___is
	shift 2
	for ___each in $CONFIG_SECTIONS; do
		config_get ___is "$___each" TYPE
		[ "$___is" != "$___type" ] || "$___do" "$___each" "$@"
	done
}
