# shellcheck shell=dash
# /etc/config/upnpd as upnpd.conf. Two schemas are known: `config upnpd 'config'` with perm_rule, and
# `config upnpd 'settings'`, by the names its options have had, with internal_network, acl_entry and perm_rule.
# Which numbers and addresses are good is upnpd's to say: see settle().

NEWLINE='
'
LARGEST=4294967295
EVERYONE="0.0.0.0/0"

. "$SHARE/networks.sh"
. "$SHARE/options.sh"
. "$SHARE/schemas.sh"
. "$SHARE/permissions.sh"

log() { logger -t upnpd -p "daemon.${2:-notice}" "$1"; }

# What is to be said of /etc/config/upnpd itself: once, and not again at each event of an interface, when TOLD is `all`.
tell() {
	case "$TOLD" in all | *"|$1|"*) return ;; esac
	TOLD="$TOLD|$1|"
	log "$1" "${2:-warn}"
}

# The section of the settings, and the schema they are of, which does not go by that name alone: sets SECTION and
# SCHEMA, present or proposed. Fails where there is none.
find_section() {
	local type
	SCHEMA=proposed
	for SECTION in settings config; do
		config_get type "$SECTION" TYPE
		[ "$type" = upnpd ] || continue
		[ "$SECTION" = settings ] || is_proposed || SCHEMA=present
		return 0
	done
	return 1
}

# Whether settings are the proposed schema's by what they hold.
is_proposed() {
	local option
	has_any internal_network || has_any acl_entry && return
	for option in enable_protocols enabled_protocols access_preset access_defaults acl_preset; do
		! is_set "$option" || return 0
	done
	return 1
}

# Whether there is a section of TYPE.
has_any() {
	local found=
	config_foreach note_section "$1"
	[ -n "$found" ]
}
note_section() { found=1; }

# get VARIABLE OPTION [DEFAULT], get_switch VARIABLE OPTION DEFAULT: of the settings.
get() { config_get "$1" "$SECTION" "$2" "$3"; }
get_switch() { switch_of "$1" "$SECTION" "$2" "$3"; }

# switch_of VARIABLE SECTION OPTION DEFAULT
switch_of() {
	local word
	config_get word "$2" "$3"
	case "$word" in
		'' | 1 | on | true | yes | enabled | 0 | off | false | no | disabled) ;;
		*) tell "option $3 is neither 0 nor 1 but '$word': $4 holds" ;;
	esac
	config_get_bool "$1" "$2" "$3" "$4"
}

# get_path VARIABLE OPTION: of the settings. What becomes lists of words has no blanks.
get_path() {
	local path
	get path "$2"
	case "$path" in *[[:space:]]*) tell "option $2 '$path' has a blank: it is not used"; path= ;; esac
	eval "$1=\$path"
}

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
		*[!0-9]*) tell "option $2 '$value' is no number: ignored"; return ;;
	esac
	# To the shell it would be octal.
	while [ "${value#0?}" != "$value" ]; do value="${value#0}"; done
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
		# Where it cannot be kept here, upnpd keeps one beside its leases.
		if ! { uci -q set "upnpd.$SECTION.uuid=$value" && uci -q commit upnpd; }; then
			uci -q revert "upnpd.$SECTION.uuid"
			value=
		fi
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

# Sets `leases` to the file that miniupnpd had, and LEASE_DIRECTORY to the journal's: a place of its own, which can be
# given to a jail; where the owner chose one, beside it: perhaps it outlives a reboot.
find_leases() {
	get_path leases upnp_lease_file
	[ -n "$leases" ] || get_path leases lease_file
	LEASE_DIRECTORY="$leases.upnpd"
	case "$leases" in
		'' | /var/run/miniupnpd.leases) leases=/var/run/miniupnpd.leases LEASE_DIRECTORY=/var/lib/upnpd ;;
	esac
}

# The journal, and the files that miniupnpd had, to be read once.
write_leases() {
	local leases6
	get_path leases6 upnp_lease_file6
	leases6="${leases6:-$leases-ipv6}"
	key lease_file "$LEASE_DIRECTORY/leases"
	[ ! -f "$leases" ] || [ ! -s "$leases" ] || key import_lease_file "$leases"
	[ ! -f "$leases6" ] || [ ! -s "$leases6" ] || key import_lease_file6 "$leases6"
}

# The whole of upnpd.conf on standard output, after config_load and find_section.
render() {
	local value leases
	# A * in a list of words is no file's name.
	set -f
	find_leases
	echo "# Made from /etc/config/upnpd at each start and reload."
	write_wan
	write_leases
	get_switch value ipv6_disable 0; switch_key ipv6_disable "$value"
	get_switch value system_uptime 1; switch_key system_uptime "$value"
	write_identity
	if [ "$SCHEMA" = proposed ]; then write_proposed; else write_present; fi
	note_addresses
	set +f
}

# settle FILE: takes out of it what upnpd refuses, each line named in the log, so that one wrong option
# does not cost every port. A refused deny line denies everything: it must not open more than its
# author meant. Fails when what is left is no configuration.
settle() {
	local message line text
	"$PROG" --check --config "$1" 2>&1 >/dev/null | while IFS= read -r message; do
		case "$message" in *": error: "*) ;; *) continue ;; esac
		line="${message#*:}"
		line="${line%%:*}"
		case "$line" in
			'' | *[!0-9]*) log "$message" err ;;
			*)
				text="$(sed -n "${line}p" "$1")"
				case "$text" in
					'deny '*)
						tell "everything is refused until this is put right: '$text': ${message#*: error: }" err
						sed -i "${line}s|.*|deny 0-65535 $EVERYONE 0-65535|" "$1"
						;;
					# Without any it would be the default route's.
					ext_ifname*)
						tell "no port opens until this is put right: '$text': ${message#*: error: }" err
						sed -i "${line}s|=.*|=no-such-wan|" "$1"
						;;
					*)
						tell "left out: '$text': ${message#*: error: }" err
						sed -i "${line}s|^|# |" "$1"
						;;
				esac
				;;
		esac
	done
	# Without any line upnpd has the usual rule, which is for who wrote none.
	! grep -q '^# allow ' "$1" || grep -q '^allow \|^deny ' "$1" || echo "deny 0-65535 $EVERYONE 0-65535" >>"$1"
	"$PROG" --check --config "$1" >/dev/null 2>&1
}
