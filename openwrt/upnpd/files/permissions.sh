# shellcheck shell=dash
# The permission lines of upnpd.conf from /etc/config/upnpd: perm_rule of the present schema; of the proposed one
# acl_entry or perm_rule, and presets, of each internal_network or of the settings. The first line that matches wins.

# Of ports in a list.
SEPARATORS=" ,	$NEWLINE"

# permission VERDICT EXTERNAL-PORTS ADDRESS INTERNAL-PORTS EXPRESSION COMMENT
# An expression with a quote in it upnpd refuses: it must not become a shorter one. One line must not become two.
permission() {
	local line
	line="$(printf '%s %s %s %s%s # %s' "$1" "$(word "$2")" "$(word "$3")" "$(word "$4")" "${5:+ \"$5\"}" "$6")"
	printf '%s\n' "${line%%"$NEWLINE"*}"
}

# One word, which upnpd refuses where it was several, or the beginning of a comment.
word() {
	case "$1" in
		*[[:space:]#]*) printf '%s' "$1" | tr ' \t\n#' ',,,,' ;;
		*) printf '%s' "$1" ;;
	esac
}

# 'x:y' and 'x - y' are 'x-y'. Routers are slow to begin a program: none for what is usual.
ports() {
	case "$1" in
		*:* | *' -'* | *'- '*) echo "$1" | sed 's/ *[:-] */-/g' ;;
		*) printf '%s\n' "$1" ;;
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
		allow | deny) ;;
		disabled) return 0 ;;
		*) tell "perm_rule '$comment' has no action allow, deny or disabled: it refuses"; action=deny ;;
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
	if has_any internal_network; then config_foreach "$1" internal_network; else "$1" "$SECTION"; fi
}

# on_network VERDICT PORTS COMMENT: for each of `subnets`, and each port or range.
on_network() {
	local range address IFS="$SEPARATORS"
	for range in $(ports "$2"); do
		for address in $subnets; do permission "$1" "$range" "$address" "$range" "" "$3"; done
	done
}

# What a network's lines are called.
label_of() {
	local networks="every network"
	[ "$1" = "$SECTION" ] || config_get networks "$1" interface
	echo "$networks"
}

# By the external port, and by the internal one: neither is to be reached by way of another.
write_refused_ports() {
	local label subnets list range address
	label="$(label_of "$1")"
	find_subnets "$1"
	get list acl_reject_unsafe_ports "21 23 135 137-139 445 3389"
	config_get list "$1" acl_reject_ports "$list"
	config_get list "$1" reject_ports "$list"
	local IFS="$SEPARATORS"
	for range in $(ports "$list"); do
		for address in $subnets; do
			permission deny "$range" "$address" 0-65535 "" "refused on $label"
			permission deny 0-65535 "$address" "$range" "" "refused on $label"
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
		switch_of entries "$1" ignore_acl 0
		[ "$entries" = 0 ] || place=alone
		switch_of entries "$1" check_acl 1
		switch_of entries "$1" custom_acl_before "$entries"
		[ "$entries" = 1 ] || place=alone
		return
	fi
	switch_of entries "$1" acl_custom_first 0
	[ "$entries" = 0 ] || return 0
	config_get entries "$1" check_custom_acl
	case "$preset:$entries" in
		none:* | *:first) ;;
		*:last) place=before ;;
		*:) place=alone ;;
		*) is_unknown check_custom_acl "$entries"; place=alone ;;
	esac
}

write_preset_before() {
	local label subnets preset place
	find_preset "$1"
	[ "$place" != after ] || return 0
	find_subnets "$1"
	write_preset "$1"
	[ "$place" = before ] || on_network deny 0-65535 "the rest on $label"
}

write_preset_after() {
	local label subnets preset place
	find_preset "$1"
	[ "$place" = after ] || return 0
	find_subnets "$1"
	write_preset "$1"
}

write_preset() {
	local list
	label="$(label_of "$1")"
	config_get list "$1" acl_accept_ports
	config_get list "$1" accept_ports "$list"
	case "$preset" in
		accept-high-ports) list="1024-65535 $list" ;;
		accept-web+high-ports | accept-high-ports+web) list="80 443 1024-65535 $list" ;;
		accept-high-ports+web+dns) list="53 80 443 1024-65535 $list" ;;
		accept-web-ports) list="80 443 $list" ;;
		accept-all-ports) list="1-65535 $list" ;;
		accept-listed-ports | none) ;;
		*) tell "the preset '$preset' is not known: nothing is allowed by it" ;;
	esac
	on_network allow "$list" "accepted on $label"
}

write_acl_entry() {
	local action external address internal pattern comment
	config_get action "$1" action
	config_get external "$1" ext_port 1-65535
	config_get address "$1" int_addr "$EVERYONE"
	config_get internal "$1" int_port 1-65535
	config_get pattern "$1" desc_filter
	config_get pattern "$1" descr_filter "$pattern"
	config_get comment "$1" comment ACL
	case "$action" in
		accept) action=allow ;;
		reject) action=deny ;;
		ignore | disabled) return 0 ;;
		*) tell "acl_entry '$comment' has no action accept, reject or ignore: it refuses"; action=deny ;;
	esac
	permission "$action" "$(ports "$external")" "$address" "$(ports "$internal")" "$pattern" "$comment"
}
