"""The actions of WANCommonInterfaceConfig:1, Layer3Forwarding:1 and WANIPv6FirewallControl:1 as the
standards have them, as data; see tables.py."""

from tables import STRING, UI2, UI4

COMMON = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
FORWARDING = "urn:schemas-upnp-org:service:Layer3Forwarding:1"
FIREWALL = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"

_PINHOLE = [("RemoteHost", STRING), ("RemotePort", UI2), ("InternalClient", STRING), ("InternalPort", UI2),
            ("Protocol", UI2)]
_ID = [("UniqueID", UI2)]

# Service: {action: (in-arguments, out-arguments)}.
ACTIONS = {
    COMMON: {
        "GetCommonLinkProperties": ([], ["NewWANAccessType", "NewLayer1UpstreamMaxBitRate",
                                         "NewLayer1DownstreamMaxBitRate", "NewPhysicalLinkStatus"]),
        "GetTotalBytesSent": ([], ["NewTotalBytesSent"]),
        "GetTotalBytesReceived": ([], ["NewTotalBytesReceived"]),
        "GetTotalPacketsSent": ([], ["NewTotalPacketsSent"]),
        "GetTotalPacketsReceived": ([], ["NewTotalPacketsReceived"]),
    },
    FORWARDING: {
        "SetDefaultConnectionService": ([("NewDefaultConnectionService", STRING)], []),
        "GetDefaultConnectionService": ([], ["NewDefaultConnectionService"]),
    },
    FIREWALL: {
        "GetFirewallStatus": ([], ["FirewallEnabled", "InboundPinholeAllowed"]),
        "GetOutboundPinholeTimeout": (_PINHOLE, ["OutboundPinholeTimeout"]),
        "AddPinhole": (_PINHOLE + [("LeaseTime", UI4)], ["UniqueID"]),
        "UpdatePinhole": (_ID + [("NewLeaseTime", UI4)], []),
        "DeletePinhole": (_ID, []),
        "GetPinholePackets": (_ID, ["PinholePackets"]),
        "CheckPinholeWorking": (_ID, ["IsWorking"]),
    },
}

# Arguments with which an action is good, when the caller's pinhole of UDP 4000 has the ID: each of
# these stands for what only the running gateway knows.
CLIENT, ID, OTHERS_ID, DEVICE, OTHERS = "{client}", "{id}", "{others_id}", "{device}", "{others}"
GOOD = {
    "NewDefaultConnectionService": DEVICE + ",urn:upnp-org:serviceId:WANIPConn1", "RemoteHost": "", "RemotePort": "0",
    "InternalClient": CLIENT, "InternalPort": "4000", "Protocol": "17", "LeaseTime": "600", "UniqueID": ID,
    "NewLeaseTime": "600",
}
# Nothing has come through the pinhole.
FAILS_WHEN_GOOD = {"CheckPinholeWorking": 709}

# Each documented error that can be reached: service, action, what is changed, the error.
ERRORS = [
    *[(FORWARDING, "SetDefaultConnectionService", {"NewDefaultConnectionService": value}, error) for value, error in [
        ("", 720),
        ("uuid:00000000-0000-4000-8000-000000000000:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1", 720),
        (DEVICE, 721),
        (DEVICE + ",urn:upnp-org:serviceId:WANIPConn2", 721),
        (DEVICE + ",urn:upnp-org:serviceId:WANIPv6Firewall1", 723),
    ]],
    *[(FIREWALL, "AddPinhole", change, error) for change, error in [
        ({"LeaseTime": "0"}, 402),
        ({"LeaseTime": "86401"}, 402),
        ({"InternalClient": "pc1.lan"}, 600),
        ({"RemoteHost": "192.0.2.1"}, 600),
        ({"InternalClient": OTHERS}, 606),
        ({"InternalPort": "1023"}, 606),
        ({"InternalPort": "4002"}, 701),  # the quota is two
        ({"Protocol": "132"}, 705),
        ({"InternalPort": "0"}, 706),
        ({"Protocol": "65535"}, 707),
        ({"InternalClient": ""}, 708),
        # The rule that comes first of two that are broken.
        ({"Protocol": "65535", "InternalClient": ""}, 707),
        ({"InternalClient": "", "InternalPort": "0"}, 708),
        ({"InternalPort": "0", "LeaseTime": "0"}, 706),
    ]],
    (FIREWALL, "GetOutboundPinholeTimeout", {"Protocol": "132"}, 705),
    (FIREWALL, "UpdatePinhole", {"NewLeaseTime": "0"}, 402),
    (FIREWALL, "UpdatePinhole", {"NewLeaseTime": "86401"}, 402),
    *[(FIREWALL, action, {"UniqueID": unique_id}, error)
      for action in ("UpdatePinhole", "DeletePinhole", "GetPinholePackets", "CheckPinholeWorking")
      for unique_id, error in ((OTHERS_ID, 606), ("0", 704), ("65535", 704))],
    (FIREWALL, "CheckPinholeWorking", {}, 709),
]

# What is answered while pinholes are switched off.
SWITCHED_OFF = {action: 703 for action in ("AddPinhole", "UpdatePinhole", "DeletePinhole", "GetPinholePackets",
                                           "CheckPinholeWorking")}

# The errors each standard documents for an action, beside 401, 402 and 501.
DOCUMENTED = {
    FORWARDING: {"SetDefaultConnectionService": {720, 721, 723}},
    FIREWALL: {
        "GetOutboundPinholeTimeout": {702, 705},
        "AddPinhole": {606, 701, 702, 703, 705, 706, 707, 708},
        "UpdatePinhole": {606, 702, 703, 704},
        "DeletePinhole": {606, 702, 703, 704},
        "GetPinholePackets": {606, 702, 703, 704},
        "CheckPinholeWorking": {606, 702, 703, 704, 709},
    },
}
# Never given, because ...
NEVER = {
    702: "the firewall is not upnpd's to switch off: GetFirewallStatus always has FirewallEnabled 1",
}
