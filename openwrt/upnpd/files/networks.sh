# shellcheck shell=dash
# From networks of /etc/config/network to devices, for render.sh.

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
	[ -n "$device" ] || log "network $1 has no device yet" warn
	echo "$device"
}

# The device of a network that the owner named. Without one yet, its name: it is waited for, no port is opened on
# another, and a LAN's mappings stay.
named_network() {
	local device
	device="$(device_of "$1")"
	echo "${device:-$1}"
}

# The first device of a firewall zone that the owner named; or its name, as above.
named_zone() {
	local device
	device="$(fw4 -q zone "$1" 2>/dev/null | head -n 1)"
	[ -n "$device" ] || log "firewall zone $1 has no device, or there is no such zone" warn
	echo "${device:-$1}"
}

# wan_device OPTION FINDER KEY: by the option's network, by the zone, or by the default route.
wan_device() {
	local network zone
	get network "$1"
	get zone external_zone
	if [ -n "$network" ]; then
		for network in $network; do named_network "$network"; done
	elif [ -n "$zone" ]; then
		named_zone "$zone"
	elif "$2" network && [ -n "$network" ]; then
		device_of "$network"
	else
		# Between two default routes it is the one there was: nothing is to be changed twice.
		sed -n "s/^$3=//p" "$CONFIG_DIRECTORY/upnpd.conf" 2>/dev/null
	fi
}

write_wan() {
	local device device6 address each
	device="$(wan_device external_iface network_find_wan ext_ifname)"
	device6="$(wan_device external_iface6 network_find_wan6 ext_ifname6)"
	get address external_ip
	# Without a device upnpd takes that of the default route, whenever there is one.
	for each in $device; do key ext_ifname "$each"; done
	[ "$device6" = "$device" ] || key ext_ifname6 "$device6"
	key ext_ip "$address"
}

write_lan() { key listening_ip "$(named_network "$1")"; }

write_lan_of() {
	local interface
	config_get interface "$1" interface
	[ -z "$interface" ] || write_lan "$interface"
}

# Whether there is a section internal_network.
has_networks() {
	local found=
	config_foreach note_network internal_network
	[ -n "$found" ]
}
note_network() { found=1; }
