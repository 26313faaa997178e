"""A ruleset of the structure fw4 makes: zones wan and lan, new connections from wan rejected at the end of
the chain forward, masquerade in the zone's srcnat. The package's snippets stand where fw4 includes them."""

from ipv6 import add_ipv6
from router import PACKAGE


def alone(make_lab):
    """A lab whose router has neither the lab's masquerade nor its IPv6 firewall: fw4's ruleset can take their place."""
    lab = make_lab(firewall="accepting")
    add_ipv6(lab)
    lab.nft("delete table ip home")
    lab.nft("delete table ip6 home")
    return lab


FLOWTABLE = "flowtable ft { hook ingress priority 0; devices = { lan, wan }; counter; }"


def ruleset(snippet=True, offload=False, before=None):
    """What `fw4 reload` feeds to nft: its own table is emptied and filled in one transaction, no other touched. `offload` as
    flow_offloading says, and `before` as it said so far."""
    forward = (PACKAGE / "files/50-upnpd.nft").read_text() if snippet else ""
    had_flowtable = offload if before is None else before
    return f"""
table inet fw4
flush table inet fw4
{"delete flowtable inet fw4 ft" if had_flowtable else ""}

table inet fw4 {{
{FLOWTABLE if offload else ""}
  chain input {{
    type filter hook input priority filter; policy accept;
    iif "lo" accept
    ct state vmap {{ established : accept, related : accept }}
    iifname "lan" jump input_lan
    iifname "wan" jump input_wan
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    {"meta l4proto { tcp, udp } flow offload @ft;" if offload else ""}
    ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle forwarded flows"
    iifname "lan" jump forward_lan comment "!fw4: Handle lan IPv4/IPv6 forward traffic"
    iifname "wan" jump forward_wan comment "!fw4: Handle wan IPv4/IPv6 forward traffic"
{forward}
    jump handle_reject
  }}
  chain handle_reject {{
    meta l4proto tcp reject with tcp reset comment "!fw4: Reject TCP traffic"
    reject with icmpx type port-unreachable comment "!fw4: Reject any other traffic"
  }}
  chain input_lan {{ jump accept_from_lan; }}
  chain input_wan {{ icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept; jump reject_from_wan; }}
  chain forward_lan {{ jump accept_to_wan; jump accept_to_lan; }}
  chain forward_wan {{ icmp type echo-request limit rate 1000/second accept; jump reject_to_wan; }}
  chain accept_from_lan {{ iifname "lan" accept; }}
  chain accept_to_lan {{ oifname "lan" accept; }}
  chain accept_to_wan {{ oifname "wan" accept; }}
  chain reject_from_wan {{ iifname "wan" jump handle_reject; }}
  chain reject_to_wan {{ oifname "wan" jump handle_reject; }}
  chain dstnat {{ type nat hook prerouting priority dstnat; policy accept; }}
  chain srcnat {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" jump srcnat_wan
  }}
  chain srcnat_wan {{ meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 wan traffic"; }}
}}
"""
