# shellcheck shell=dash
# What the two schemas of /etc/config/upnpd say differently, for render.sh. A key that upnpd names as having no
# effect is written where the owner asks for what upnpd does not do, and nowhere else.

write_stun() {
	local host="$1" port="$2"
	case "$host" in *:*) port="${host##*:}"; host="${host%%:*}" ;; esac
	key ext_stun_host "$host"
	key ext_stun_port "$port"
}

# `config upnpd 'config'`
write_present() {
	local value port network
	get_switch value enable_upnp 1; switch_key enable_upnp "$value"
	get_switch value enable_natpmp 0; [ "$value" = 0 ] || echo "enable_pcp_pmp=yes"
	get_switch value secure_mode 1; switch_key secure_mode "$value"
	get_switch value igdv1 1; [ "$value" = 1 ] || echo "force_igd_desc_v1=no"
	get_switch value ext_allow_private_ipv4 1; [ "$value" = 1 ] || echo "ext_allow_private_ipv4=no"
	get_switch value force_forwarding 0
	[ "$value" = 0 ] || log "force_forwarding is not applicable: upnpd maps behind a private address"
	get_switch value use_stun 0
	if [ "$value" = 1 ]; then
		echo "ext_perform_stun=yes"
		get value stun_host; get port stun_port; write_stun "$value" "$port"
	fi
	bitrate bitrate_down download 8192
	bitrate bitrate_up upload 8192
	get value port 5000; key http_port "$value"
	get value internal_iface lan
	for network in $value; do write_lan "$network"; done
	config_foreach write_perm_rule perm_rule
}

# `config upnpd 'settings'`
write_proposed() {
	local value network
	get value "$(name_of enable_protocols enabled_protocols)"
	case "$value" in
		'' | upnp-igd) echo "enable_upnp=yes" ;;
		pcp+nat-pmp | pcp-natpmp) echo "enable_upnp=no"; echo "enable_pcp_pmp=yes" ;;
		*) echo "enable_upnp=yes"; echo "enable_pcp_pmp=yes" ;;
	esac
	write_third_parties
	get value upnp_igd_compat
	[ "$value" != igdv2 ] || echo "force_igd_desc_v1=no"
	write_cgnat
	bitrate bitrate_down "$(name_of download_kbps upnp_igd_download)" 1000
	bitrate bitrate_up "$(name_of upload_kbps upnp_igd_upload)" 1000
	get value "$(name_of http_port upnp_igd_http_port)" 5000; key http_port "$value"
	if has_networks; then
		config_foreach write_lan_of internal_network
	else
		get value internal_iface lan
		for network in $value; do write_lan "$network"; done
	fi
	write_lists
}

write_third_parties() {
	local value
	get value allow_third_party_mapping 0
	case "$value" in
		1) echo "secure_mode=no"; echo "pcp_allow_thirdparty=yes" ;;
		upnp-igd) echo "secure_mode=no" ;;
		pcp) echo "secure_mode=yes"; echo "pcp_allow_thirdparty=yes" ;;
		*) echo "secure_mode=yes" ;;
	esac
}

write_cgnat() {
	local value host
	get value "$(name_of allow_cgnat allow_cgnat_use)" 0
	get host stun_host
	case "$value" in
		1) echo "ext_perform_stun=yes"; write_stun "$host" "" ;;
		allow-filtered) echo "ext_perform_stun=allow-filtered"; write_stun "$host" "" ;;
	esac
}
