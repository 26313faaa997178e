# As much of OpenWrt's network.sh: what netifd knows of a network is in the files of /networks/NAME.
___know() {
	export "$1="
	[ -s "/networks/$2/$3" ] && export "$1=$(cat "/networks/$2/$3")"
}
network_get_device() { ___know "$1" "$2" l3_device; }
network_get_physdev() { ___know "$1" "$2" device; }
network_get_subnets() { ___know "$1" "$2" subnet; }
network_get_subnets6() { ___know "$1" "$2" subnet6; }
network_find_wan() { ___know "$1" default wan; }
network_find_wan6() { ___know "$1" default wan6; }
