# shellcheck shell=dash
# The permission lines of upnpd.conf from /etc/config/upnpd: perm_rule of the present schema; of the proposed one
# acl_entry or perm_rule, and presets, of each internal_network or of the settings. The first line that matches wins.

# permission VERDICT EXTERNAL-PORTS ADDRESS INTERNAL-PORTS EXPRESSION COMMENT
permission() {
	printf '%s %s %s %s%s # %s\n' "$1" "$2" "$3" "$4" "${5:+ \"${5%%\"*}\"}" "${6%%"$NEWLINE"*}"
}

# 'x:y' is 'x-y'. Routers are slow to begin a program: none for what is usual.
ports() {
	case "$1" in
		*[:\ ]*) echo "$1" | tr ':' '-' | tr -d ' ' ;;
		*) echo "$1" ;;
	esac
}

write_perm_rule() {
	local action external address internal pattern comment
	config_get action "$1" action deny
	config_get external "$1" ext_ports 0-65535
	config_get address "$1" int_addr "$EVERYONE"
	config_get internal "$1" int_ports 0-65535
	config_get pattern "$1" desc_regex
	config_get comment "$1" comment ACL
	case "$action" in
		allow) ;;
		disabled) return 0 ;;
		*) action=deny ;;
	esac
	permission "$action" "$(ports "$external")" "$address" "$(ports "$internal")" "$pattern" "$comment"
}

# An entry that is no entry keeps upnpd's own rule away, which is for those without any.
write_lists() {
	on_each_network write_refused_ports
	on_each_network write_preset_before
	config_foreach write_acl_entry acl_entry
	config_foreach write_perm_rule perm_rule
	on_each_network write_preset_after
	permission deny 0-65535 "$EVERYONE" 0-65535 "" "what no list allows"
}

# What a section internal_network says of one network, the settings say of all where there is none.
on_each_network() {
	if has_networks; then config_foreach "$1" internal_network; else "$1" "$SECTION"; fi
}

# on_network VERDICT PORTS SUBNET COMMENT: for IPv4 by the network. IPv6 prefixes come and go, and
# pinholes are opened by a host to itself, so for them the line is everyone's.
on_network() {
	local range
	for range in $2; do
		permission "$1" "$(ports "$range")" "$3" "$(ports "$range")" "" "$4"
		permission "$1" "$(ports "$range")" "::/0" "$(ports "$range")" "" "$4"
	done
}

# Sets `interface` and `subnet`; fails where the network has none yet.
find_subnet() {
	interface="every network"
	subnet="$EVERYONE"
	[ "$1" != "$SECTION" ] || return 0
	config_get interface "$1" interface
	network_get_subnet subnet "$interface" && [ -n "$subnet" ] && return
	log "network $interface has no address yet: its presets wait for it" warn
	return 1
}

# By the external port, and by the internal one: neither is to be reached by way of another.
write_refused_ports() {
	local interface subnet list usual range address
	find_subnet "$1" || return 0
	get usual acl_reject_unsafe_ports "21 23 135 137-139 445 3389"
	config_get list "$1" reject_ports "$usual"
	for range in $list; do
		for address in "$subnet" "::/0"; do
			permission deny "$(ports "$range")" "$address" 0-65535 "" "refused on $interface"
			permission deny 0-65535 "$address" "$(ports "$range")" "" "refused on $interface"
		done
	done
}

# Sets `preset` and its `place`: before the entries, after them, or alone, which is without them.
find_preset() {
	local entries
	place=after
	config_get preset "$1" acl_preset
	if [ -z "$preset" ]; then
		config_get preset "$1" access_preset none
		config_get preset "$1" access_defaults "$preset"
		config_get_bool entries "$1" ignore_acl 0
		[ "$entries" = 0 ] || place=alone
		config_get_bool entries "$1" check_acl 1
		[ "$entries" = 1 ] || place=alone
		return
	fi
	config_get entries "$1" check_custom_acl
	case "$preset:$entries" in
		none:* | *:first) ;;
		*:last) place=before ;;
		*) place=alone ;;
	esac
}

write_preset_before() {
	local interface subnet preset place
	find_preset "$1"
	[ "$place" != after ] || return 0
	find_subnet "$1" || return 0
	write_preset "$1"
	[ "$place" = before ] || on_network deny 0-65535 "$subnet" "the rest on $interface"
}

write_preset_after() {
	local interface subnet preset place
	find_preset "$1"
	[ "$place" = after ] || return 0
	find_subnet "$1" || return 0
	write_preset "$1"
}

write_preset() {
	local list
	config_get list "$1" accept_ports
	case "$preset" in
		accept-high-ports) list="1024-65535 $list" ;;
		accept-web+high-ports | accept-high-ports+web) list="80 443 1024-65535 $list" ;;
		accept-high-ports+web+dns) list="53 80 443 1024-65535 $list" ;;
		accept-web-ports) list="80 443 $list" ;;
		accept-all-ports) list="1-65535 $list" ;;
		none) ;;
		*) log "the preset '$preset' is not known: nothing is allowed by it" warn ;;
	esac
	on_network allow "$list" "$subnet" "accepted on $interface"
}

write_acl_entry() {
	local action external address internal pattern comment
	config_get action "$1" action
	config_get external "$1" ext_port 1-65535
	config_get address "$1" int_addr "$EVERYONE"
	config_get internal "$1" int_port 1-65535
	config_get pattern "$1" descr_filter
	config_get comment "$1" comment ACL
	case "$action" in
		accept) action=allow ;;
		reject) action=deny ;;
		ignore | disabled) return 0 ;;
		*) log "acl_entry '$comment' has no action accept, reject or ignore: it refuses" warn; action=deny ;;
	esac
	permission "$action" "$(ports "$external")" "$address" "$(ports "$internal")" "$pattern" "$comment"
}
