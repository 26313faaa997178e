# shellcheck shell=dash
# What the two schemas of /etc/config/upnpd say differently, for render.sh. Where the owner asks for what upnpd does
# not do, the option is named in the log.

# lacks OPTION WHAT, is_unknown OPTION VALUE
lacks() { tell "option $1 in /etc/config/upnpd is not applicable: $2"; }
is_unknown() { tell "option $1 is '$2', which is nothing known: the default holds"; }

NO_PCP="upnpd has no NAT-PMP and no PCP"
NO_STUN="upnpd asks no STUN server; external_ip names the public address"
BOTH_IGDS="upnpd is an InternetGatewayDevice:1 and one of version 2, and clients choose"

# The present schema.
write_present() {
	local value network
	get_switch value enable_upnp 1; switch_key enable_upnp "$value"
	get_switch value enable_natpmp 0; [ "$value" = 0 ] || lacks enable_natpmp "$NO_PCP"
	get_switch value secure_mode 1; switch_key secure_mode "$value"
	get_switch value igdv1 1; [ "$value" = 1 ] || lacks igdv1 "$BOTH_IGDS"
	get_switch value ext_allow_private_ipv4 1
	[ "$value" = 1 ] || lacks ext_allow_private_ipv4 "upnpd maps behind a private address"
	get_switch value force_forwarding 0
	[ "$value" = 0 ] || lacks force_forwarding "upnpd maps behind a private address"
	get_switch value use_stun 0; [ "$value" = 0 ] || lacks use_stun "$NO_STUN"
	bitrate bitrate_down download 8192
	bitrate bitrate_up upload 8192
	get value port 5000; key http_port "$value"
	get value internal_iface lan
	for network in $value; do write_lan "$network"; done
	config_foreach write_perm_rule perm_rule
}

# The proposed one.
write_proposed() {
	local option value network
	option="$(name_of enable_protocols enabled_protocols)"
	get value "$option"
	case "$value" in
		'' | upnp-igd | all) echo "enable_upnp=yes" ;;
		pcp+nat-pmp | pcp-natpmp) echo "enable_upnp=no" ;;
		*) is_unknown "$option" "$value"; echo "enable_upnp=yes" ;;
	esac
	case "$value" in all | pcp+nat-pmp | pcp-natpmp) lacks "$option '$value'" "$NO_PCP" ;; esac
	write_third_parties
	get value upnp_igd_compat igdv1
	case "$value" in
		igdv1) ;;
		igdv2) lacks upnp_igd_compat "$BOTH_IGDS" ;;
		*) is_unknown upnp_igd_compat "$value" ;;
	esac
	judge_cgnat
	bitrate bitrate_down "$(name_of download_kbps upnp_igd_download)" 1000
	bitrate bitrate_up "$(name_of upload_kbps upnp_igd_upload)" 1000
	get value "$(name_of http_port upnp_igd_http_port)" 5000; key http_port "$value"
	if has_any internal_network; then
		config_foreach write_lans_of internal_network
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
		1 | upnp-igd) echo "secure_mode=no"; return ;;
		0) ;;
		pcp) lacks "allow_third_party_mapping 'pcp'" "$NO_PCP" ;;
		*) is_unknown allow_third_party_mapping "$value" ;;
	esac
	echo "secure_mode=yes"
}

judge_cgnat() {
	local option value
	option="$(name_of allow_cgnat allow_cgnat_use)"
	get value "$option" 0
	case "$value" in
		# Behind a private address upnpd maps anyway.
		0 | report-private-ipv4 | allow-private-ext-ipv4) ;;
		1 | allow-filtered) lacks "$option" "$NO_STUN" ;;
		*) is_unknown "$option" "$value" ;;
	esac
}
