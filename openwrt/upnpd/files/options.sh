# shellcheck shell=dash
# Which sections and options of /etc/config/upnpd say something to upnpd, for render.sh. What does not is named in
# the log: nobody is to think that it holds.

# upnpd.conf's keys that are options by the same name.
OWN_OPTIONS="absent_host_timeout allow_pinholes end_flows manufacturer_name manufacturer_url max_lease max_mappings
	max_mappings_per_host max_requests_per_second model_description model_name model_url
	table_owner"
# Of the settings, in both schemas.
COMMON_OPTIONS="enabled config_file log_output external_iface external_iface6 external_zone external_ip ipv6_disable
	system_uptime notify_interval presentation_url serial_number model_number uuid stun_host internal_iface
	friendly_name upnp_igd_friendly_name lease_file upnp_lease_file upnp_lease_file6 $OWN_OPTIONS"
PRESENT_OPTIONS="enable_upnp enable_natpmp secure_mode igdv1 download upload port use_stun stun_port
	ext_allow_private_ipv4 force_forwarding"
# By each of their names.
PROPOSED_OPTIONS="enable_protocols enabled_protocols allow_cgnat allow_cgnat_use allow_third_party_mapping
	upnp_igd_compat download_kbps upnp_igd_download upload_kbps upnp_igd_upload http_port upnp_igd_http_port
	acl_reject_unsafe_ports"
# Of a section internal_network; where there is none, of the settings.
NETWORK_OPTIONS="accept_ports acl_accept_ports access_defaults access_preset acl_preset check_acl ignore_acl
	check_custom_acl acl_custom_first custom_acl_before reject_ports acl_reject_ports"

# options_of TYPE NAME: what is read of such a section; nothing where the section is not.
options_of() {
	case "$SCHEMA $1" in
		*" upnpd") [ "$2" != "$SECTION" ] || settings_options ;;
		*" perm_rule") echo action ext_ports int_addr int_ports desc_regex comment ;;
		"proposed acl_entry") echo action ext_port int_addr int_port descr_filter desc_filter comment ;;
		"proposed internal_network") echo "interface $NETWORK_OPTIONS" ;;
	esac
}

settings_options() {
	local unread="internal_iface $NETWORK_OPTIONS" each
	if [ "$SCHEMA" = present ]; then
		echo "$COMMON_OPTIONS $PRESENT_OPTIONS"
	elif [ -z "$networks" ]; then
		echo "$COMMON_OPTIONS $PROPOSED_OPTIONS $NETWORK_OPTIONS"
	else
		for each in $COMMON_OPTIONS $PROPOSED_OPTIONS; do
			is_among "$each" "$unread" || echo "$each"
		done
	fi
}

is_among() {
	local each
	for each in $2; do
		[ "$1" != "$each" ] || return 0
	done
	return 1
}

# Reads the configuration again.
warn_of_what_is_not_read() {
	local networks="" options="" head=""
	! has_any internal_network || networks=1
	config_cb() {
		# Without a type after the last one.
		[ -n "$1" ] || return 0
		head="$1 '$2'"
		options="$(options_of "$1" "$2")"
		[ -n "$options" ] || tell "section $head in /etc/config/upnpd is not applicable beside '$SECTION'"
	}
	option_cb() {
		[ -n "$options" ] && ! is_among "$1" "$options" || return 0
		# Once for a list.
		options="$options $1"
		tell "option $1 of $head in /etc/config/upnpd is not applicable: upnpd has nothing like it there"
	}
	list_cb() { option_cb "$1"; }
	config_load upnpd
	reset_cb
}
