# shellcheck shell=dash
# /etc/config/upnpd as upnpd.conf. Two schemas are known: `config upnpd 'config'` with perm_rule, and
# `config upnpd 'settings'`, by each of the names its options have had, with internal_network, acl_entry and
# perm_rule. Which values are good is upnpd's to say: see settle(). What upnpd knows and does not do, it names
# itself in the log when it reads it.

NEWLINE='
'
LARGEST=4294967295
EVERYONE="0.0.0.0/0"

. "$SHARE/networks.sh"
. "$SHARE/options.sh"
. "$SHARE/schemas.sh"
. "$SHARE/permissions.sh"

log() { logger -t upnpd -p "daemon.${2:-notice}" "$1"; }

# The section of the settings: sets SECTION.
find_section() {
	local type
	for SECTION in settings config; do
		config_get type "$SECTION" TYPE
		[ "$type" = upnpd ] && return 0
	done
	SECTION=config
}

# get VARIABLE OPTION [DEFAULT], get_switch VARIABLE OPTION DEFAULT: of the settings.
get() { config_get "$1" "$SECTION" "$2" "$3"; }
get_switch() { config_get_bool "$1" "$SECTION" "$2" "$3"; }

is_set() { local value; get value "$1"; [ -n "$value" ]; }

# name_of NAME...: of the names that one option has had, the one it is set by; the first where it is not.
name_of() {
	local name
	for name in "$@"; do
		! is_set "$name" || break
		name="$1"
	done
	echo "$name"
}

# A key of upnpd.conf. An empty value is none; one line must not become two.
key() {
	[ -n "$2" ] || return 0
	printf '%s=%s\n' "$1" "${2%%"$NEWLINE"*}"
}
switch_key() { if [ "$2" = 1 ]; then echo "$1=yes"; else echo "$1=no"; fi; }

# bitrate KEY OPTION FACTOR: upnpd counts bits a second.
bitrate() {
	local value
	get value "$2"
	case "$value" in
		'') return ;;
		*[!0-9]*) log "$2 '$value' is no number: ignored" warn; return ;;
	esac
	# By the number of digits first: shells count in 32 bits on some routers.
	if [ ${#value} -gt 7 ] || [ "$value" -gt $((LARGEST / $3)) ]; then
		value=$LARGEST
	else
		value=$((value * $3))
	fi
	key "$1" "$value"
}

write_identity() {
	local value
	get value uuid
	if [ -z "$value" ]; then
		value="$(cat /proc/sys/kernel/random/uuid)"
		uci -q set "upnpd.$SECTION.uuid=$value" && uci -q commit upnpd
	fi
	[ "$value" = nocli ] || key uuid "$value"
	get value serial_number; key serial "$value"
	get value presentation_url; key presentation_url "$value"
	get value notify_interval; key notify_interval "$value"
	get value "$(name_of friendly_name upnp_igd_friendly_name)"; key friendly_name "$value"
	for value in model_number $OWN_OPTIONS; do
		write_as_is "$value"
	done
}
write_as_is() { local value; get value "$1"; key "$1" "$value"; }

# The journal beside the lease file that miniupnpd had, and that file to be read once.
write_leases() {
	local file file6
	key lease_file "$(lease_directory)/leases"
	get file upnp_lease_file
	get file lease_file "${file:-/var/run/miniupnpd.leases}"
	get file6 upnp_lease_file6 "$file-ipv6"
	[ ! -f "$file" ] || [ ! -s "$file" ] || key import_lease_file "$file"
	[ ! -f "$file6" ] || [ ! -s "$file6" ] || key import_lease_file6 "$file6"
}

# A place of its own, which can be given to a jail. Where the owner chose one, beside it: perhaps it
# outlives a reboot.
lease_directory() {
	local file
	get file upnp_lease_file
	get file lease_file "$file"
	case "$file" in
		'' | /var/run/miniupnpd.leases) echo /var/lib/upnpd ;;
		*) echo "$file.upnpd" ;;
	esac
}

# The whole of upnpd.conf on standard output, after config_load and find_section.
render() {
	local value
	echo "# Made from /etc/config/upnpd at each start and reload."
	write_wan
	write_leases
	get_switch value ipv6_disable 0; switch_key ipv6_disable "$value"
	get_switch value system_uptime 1; switch_key system_uptime "$value"
	write_identity
	if [ "$SECTION" = settings ]; then write_proposed; else write_present; fi
}

# settle FILE: takes out of it what upnpd refuses, each line named in the log, so that one wrong option
# does not cost every port. A refused deny line denies everything: it must not open more than its
# author meant. Fails when what is left is no configuration.
settle() {
	local message line
	"$PROG" --check --config "$1" 2>&1 >/dev/null | while IFS= read -r message; do
		case "$message" in *": error: "*) ;; *) continue ;; esac
		line="${message#*:}"
		line="${line%%:*}"
		case "$line" in
			'' | *[!0-9]*) log "$message" err ;;
			*)
				log "left out: '$(sed -n "${line}p" "$1")': ${message#*: error: }" err
				sed -i "${line}s|^deny .*|deny 0-65535 $EVERYONE 0-65535|;t;${line}s|^|# |" "$1"
				;;
		esac
	done
	# Without any line upnpd has the usual rule, which is for who wrote none.
	! grep -q '^# allow ' "$1" || grep -q '^allow \|^deny ' "$1" || echo "deny 0-65535 $EVERYONE 0-65535" >>"$1"
	"$PROG" --check --config "$1" >/dev/null 2>&1
}
