# shellcheck shell=dash
# From networks of /etc/config/network to devices, for render.sh.

# NAME:ADDRESSES of the LANs that have sections, each in a line of its own, after a first one.
NOTED="$NEWLINE"

# The device of a network of /etc/config/network. One that is not up yet gets the name it will have.
device_of() {
	local device proto
	network_get_device device "$1" && [ -n "$device" ] && echo "$device" && return
	proto="$(uci -q get "network.$1.proto")"
	case "$proto" in
		ppp | pppoe | pppoa | pptp | l2tp | 3g) echo "$proto-$1"; return ;;
		wireguard) echo "$1"; return ;;
	esac
	network_get_physdev device "$1"
	[ -n "$device" ] || device="$(uci -q get "network.$1.device")"
	# A modem's is a file, and its interface is known when it is up.
	case "$device" in */*) device= ;; esac
	if [ -z "$device" ] && [ -z "$proto" ]; then
		tell "there is no network $1 in /etc/config/network: it is taken for the name of a device"
	elif [ -z "$device" ]; then
		log "network $1 has no device yet" warn
	fi
	echo "$device"
}

# The device of a network that the owner named. Without one yet, its name, as far as it can be an interface's: it is
# waited for, no port is opened on another, and a LAN's mappings stay.
named_network() { or_name "$(device_of "$1")" "$1"; }
or_name() { if [ -n "$1" ]; then echo "$1"; else printf '%.15s\n' "$2"; fi; }

# The first device of a firewall zone.
zone_device() { fw4 -q zone "$1" 2>/dev/null | head -n 1; }

# Whether the owner named the WAN: by OPTION's network, or by a zone.
is_wan_named() { is_set "$1" || is_set external_zone; }

# What stands over the line of KEY where nobody named the WAN.
unnamed() { echo "# by the default route: $1"; }

# wan_device OPTION FINDER KEY: by the option's network, by the zone, which without a device stands by its name, or by
# the default route.
wan_device() {
	local network zone before="$CONFIG_DIRECTORY/upnpd.conf"
	get network "$1"
	get zone external_zone
	if [ -n "$network" ]; then
		for network in $network; do named_network "$network"; done
	elif [ -n "$zone" ]; then
		or_name "$(zone_device "$zone")" "$zone"
	elif "$2" network && [ -n "$network" ]; then
		device_of "$network"
	elif grep -qxF "$(unnamed "$3")" "$before" 2>/dev/null; then
		# Between two default routes it is the one there was: nothing is to be changed twice.
		sed -n "s/^$3=//p" "$before"
	fi
}

write_wan() {
	local device device6 zone address each
	device="$(wan_device external_iface network_find_wan ext_ifname)"
	device6="$(wan_device external_iface6 network_find_wan6 ext_ifname6)"
	get zone external_zone
	get address external_ip
	if [ -n "$zone" ] && ! is_set external_iface && [ -z "$(zone_device "$zone")" ]; then
		tell "firewall zone $zone has no device, or there is no such zone"
	fi
	# Without a device upnpd takes that of the default route, whenever there is one.
	is_wan_named external_iface || unnamed ext_ifname
	for each in $device; do key ext_ifname "$each"; done
	if [ "$device6" != "$device" ]; then
		case "$device6" in *"$NEWLINE"*) tell "option external_iface6 names several networks: the first is used" ;; esac
		is_wan_named external_iface6 || unnamed ext_ifname6
		key ext_ifname6 "$device6"
	fi
	key ext_ip "$address"
}

write_lan() { key listening_ip "$(named_network "$1")"; }

# Of a section internal_network.
write_lans_of() {
	local networks network these
	config_get networks "$1" interface
	[ -n "$networks" ] || tell "the section internal_network '$1' names no interface: it says nothing"
	for network in $networks; do
		write_lan "$network"
		find_addresses "$network"
		[ -n "$these" ] || log "network $network has no address yet: its presets wait for it" warn
		NOTED="$NOTED$network:$these$NEWLINE"
	done
}

# Of each network what its addresses are, beside the journal: as long as mappings are kept, what allows them is.
note_addresses() {
	local file="$LEASE_DIRECTORY/networks"
	[ "$NOTED" != "$NEWLINE" ] && [ "$NOTED" != "$NEWLINE$(cat "$file" 2>/dev/null)$NEWLINE" ] || return 0
	mkdir -p "$LEASE_DIRECTORY" && printf '%s' "${NOTED#"$NEWLINE"}" >"$file.new" && mv "$file.new" "$file"
} 2>/dev/null

# Sets `these` to the addresses with masks of a network. Of a kind of which it has none for the moment it is those that
# were noted: a line that goes costs what it allowed, and a LAN that is taken down, or a prefix between two dials or
# after a boot, is back in seconds.
find_addresses() {
	local now now6 before each kind kinds=
	before="$(sed -n "s|^$1:||p" "$LEASE_DIRECTORY/networks" 2>/dev/null)"
	network_get_subnets now "$1" || now=
	network_get_subnets6 now6 "$1" || now6=
	these=
	for each in $now $now6; do
		these="$these $each"
		find_kind "$each"
		kinds="$kinds $kind "
	done
	for each in $before; do
		find_kind "$each"
		case "$kinds" in *" $kind "*) ;; *) these="$these $each" ;; esac
	done
}
# Sets `kind`: of unique local addresses (RFC 4193) and global ones a network has both.
find_kind() {
	case "$1" in
		[fF][cdCD]*:*) kind=local ;;
		*:*) kind=global ;;
		*) kind=ipv4 ;;
	esac
}

# Sets `subnets` to the addresses with masks of networks, IPv4 and IPv6: of those that a section internal_network
# names, or everybody's. A host's IPv6 address of another prefix is nobody's, and has no port by a network's preset.
find_subnets() {
	local networks network these
	subnets="$EVERYONE ::/0"
	[ "$1" != "$SECTION" ] || return 0
	config_get networks "$1" interface
	subnets=
	for network in $networks; do
		these="${NOTED#*"$NEWLINE$network:"}"
		subnets="$subnets${these%%"$NEWLINE"*}"
	done
}
