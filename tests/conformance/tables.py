"""The actions of WANIPConnection:1 and :2 as the standards have them, as data."""

V1 = "urn:schemas-upnp-org:service:WANIPConnection:1"
V2 = "urn:schemas-upnp-org:service:WANIPConnection:2"

# Values of the right type, by the type of an argument's state variable.
STRING, UI2, UI4, BOOLEAN = "string", "ui2", "ui4", "boolean"
MISTYPED = {UI2: ["http", "12x", "1.5", "0x10"], UI4: ["forever", "1e3"], BOOLEAN: ["maybe", "2"], STRING: []}
OUT_OF_RANGE = {UI2: ["65536", "-1", "4294967296"], UI4: ["4294967296", "-1"], BOOLEAN: [], STRING: []}

_KEY = [("NewRemoteHost", STRING), ("NewExternalPort", UI2), ("NewProtocol", STRING)]
_TARGET = [("NewInternalPort", UI2), ("NewInternalClient", STRING), ("NewEnabled", BOOLEAN),
           ("NewPortMappingDescription", STRING), ("NewLeaseDuration", UI4)]
_RANGE = [("NewStartPort", UI2), ("NewEndPort", UI2), ("NewProtocol", STRING), ("NewManage", BOOLEAN)]

# Arguments that clients in the wild leave out: taken for any, true, nothing and 0.
OPTIONAL = {"NewRemoteHost", "NewEnabled", "NewPortMappingDescription", "NewLeaseDuration"}

# Action: (in-arguments, out-arguments, versions that have it), sections 2.4 and 2.5 of the standards.
ACTIONS = {
    "SetConnectionType": ([("NewConnectionType", STRING)], [], {V1, V2}),
    "GetConnectionTypeInfo": ([], ["NewConnectionType", "NewPossibleConnectionTypes"], {V1, V2}),
    "RequestConnection": ([], [], {V1, V2}),
    "ForceTermination": ([], [], {V1, V2}),
    "GetStatusInfo": ([], ["NewConnectionStatus", "NewLastConnectionError", "NewUptime"], {V1, V2}),
    "GetNATRSIPStatus": ([], ["NewRSIPAvailable", "NewNATEnabled"], {V1, V2}),
    "GetGenericPortMappingEntry": ([("NewPortMappingIndex", UI2)], [name for name, _ in _KEY + _TARGET], {V1, V2}),
    "GetSpecificPortMappingEntry": (_KEY, [name for name, _ in _TARGET], {V1, V2}),
    "AddPortMapping": (_KEY + _TARGET, [], {V1, V2}),
    "AddAnyPortMapping": (_KEY + _TARGET, ["NewReservedPort"], {V2}),
    "DeletePortMapping": (_KEY, [], {V1, V2}),
    "DeletePortMappingRange": (_RANGE, [], {V2}),
    "GetExternalIPAddress": ([], ["NewExternalIPAddress"], {V1, V2}),
    "GetListOfPortMappings": (_RANGE + [("NewNumberOfPorts", UI2)], ["NewPortListing"], {V2}),
}

# Optional actions that upnpd has not: they are not in its service descriptions either.
NOT_IMPLEMENTED = ["SetAutoDisconnectTime", "SetIdleDisconnectTime", "SetWarnDisconnectDelay",
                   "GetAutoDisconnectTime", "GetIdleDisconnectTime", "GetWarnDisconnectDelay"]

# Arguments with which an action succeeds when the caller has TCP 4000 and nothing else. CLIENT stands
# for the caller's address.
CLIENT = object()
GOOD = {
    "NewConnectionType": "IP_Routed", "NewPortMappingIndex": "0", "NewRemoteHost": "", "NewExternalPort": "4000",
    "NewProtocol": "TCP", "NewInternalPort": "4000", "NewInternalClient": CLIENT, "NewEnabled": "1",
    "NewPortMappingDescription": "conformance", "NewLeaseDuration": "600", "NewStartPort": "4000",
    "NewEndPort": "4001", "NewManage": "0", "NewNumberOfPorts": "0",
}

# Each documented error: (action, what is changed of the good arguments, error by v1, by v2); None: the
# version has no such rule, or no such action.
ERRORS = [
    ("SetConnectionType", {"NewConnectionType": "IP_Bridged"}, 731, 731),
    ("ForceTermination", {}, 606, 606),
    ("GetGenericPortMappingEntry", {"NewPortMappingIndex": "1"}, 713, 713),
    ("GetGenericPortMappingEntry", {"NewPortMappingIndex": "65535"}, 713, 713),
    ("GetSpecificPortMappingEntry", {"NewExternalPort": "4001"}, 714, 714),
    ("GetSpecificPortMappingEntry", {"NewExternalPort": "0"}, 714, 714),
    ("GetSpecificPortMappingEntry", {"NewProtocol": "UDP"}, 714, 714),
    ("GetSpecificPortMappingEntry", {"NewProtocol": ""}, 402, 402),
    ("GetSpecificPortMappingEntry", {"NewProtocol": "SCTP"}, 402, 402),
    ("GetSpecificPortMappingEntry", {"NewRemoteHost": "198.51.100.1"}, 714, 714),
    ("GetSpecificPortMappingEntry", {"NewRemoteHost": "a.name"}, 600, 600),
    ("GetSpecificPortMappingEntry", {"NewExternalPort": "4100"}, 606, 606),
    ("DeletePortMapping", {"NewExternalPort": "4001"}, 714, 714),
    ("DeletePortMapping", {"NewProtocol": "SCTP"}, 402, 402),
    ("DeletePortMapping", {"NewRemoteHost": "a.name"}, 600, 600),
    ("DeletePortMapping", {"NewExternalPort": "4100"}, 606, 606),
    *[(action, change, v1 if action == "AddPortMapping" else None, v2)
      for action in ("AddPortMapping", "AddAnyPortMapping") for change, v1, v2 in [
          ({"NewProtocol": "SCTP"}, 601, 601),
          ({"NewProtocol": ""}, 601, 601),
          ({"NewInternalClient": "a.name"}, 600, 600),
          ({"NewInternalClient": "192.168.77.20"}, 718, 606),
          ({"NewInternalClient": "127.0.0.1"}, 718, 606),
          ({"NewInternalClient": "192.168.77.1"}, 718, 606),
          ({"NewInternalPort": "0"}, 402, 732),
          ({"NewExternalPort": "0"}, 716, 716),
          ({"NewRemoteHost": "a.name"}, 600, 600),
          ({"NewRemoteHost": "224.0.0.1"}, 600, 600),
          ({"NewPortMappingDescription": "x" * 1025}, 605, 605),
          # The most specific error wins: the rule that comes first of two that are broken.
          ({"NewProtocol": "SCTP", "NewInternalClient": "a.name"}, 601, 601),
          ({"NewInternalClient": "192.168.77.20", "NewInternalPort": "0"}, 718, 606),
          ({"NewInternalPort": "0", "NewExternalPort": "0"}, 402, 732),
          ({"NewExternalPort": "0", "NewRemoteHost": "a.name"}, 716, 716),
      ]],
    ("AddPortMapping", {"NewExternalPort": "80"}, 606, 606),
    ("AddPortMapping", {"NewExternalPort": "4100"}, 718, 718),
    ("AddPortMapping", {"NewExternalPort": "4100", "NewRemoteHost": "198.51.100.1"}, 718, 718),
    ("AddPortMapping", {"NewExternalPort": "4200"}, 718, 729),  # the router listens there
    ("DeletePortMappingRange", {"NewStartPort": "4001"}, None, 730),
    ("DeletePortMappingRange", {"NewStartPort": "4100", "NewEndPort": "4100"}, None, 730),
    ("DeletePortMappingRange", {"NewStartPort": "4002"}, None, 733),
    ("DeletePortMappingRange", {"NewProtocol": "SCTP"}, None, 402),
    ("GetListOfPortMappings", {"NewStartPort": "4001"}, None, 730),
    ("GetListOfPortMappings", {"NewStartPort": "4100", "NewEndPort": "4100"}, None, 730),
    ("GetListOfPortMappings", {"NewStartPort": "4002"}, None, 733),
    ("GetListOfPortMappings", {"NewProtocol": ""}, None, 402),
]

# What a lease becomes: (asked, remaining by v1, by v2); WANIPConnection:2 section 2.3.17.
LEASES = [("0", 0, 604800), ("1", 1, 1), ("3600", 3600, 3600), ("604800", 604800, 604800),
          ("604801", 604801, 604800), ("4294967295", 4294967295, 604800)]

# The errors the standards document for an action, beside 401, 402 and 501: (action, by v1, by v2).
DOCUMENTED = [
    ("SetConnectionType", {703, 731}, {703, 731}),
    ("RequestConnection", {704, 705, 706, 707, 708, 709, 710}, {704, 705, 706, 707, 708, 709, 710}),
    ("RequestTermination", {707, 710, 711}, {606, 707, 710, 711}),
    ("ForceTermination", {707, 710, 711}, {606, 707, 710, 711}),
    ("GetGenericPortMappingEntry", {713}, {606, 713}),
    ("GetSpecificPortMappingEntry", {714}, {606, 714}),
    ("AddPortMapping", {715, 716, 718, 724, 725, 726, 727}, {601, 606, 715, 716, 718, 728, 729, 732}),
    ("AddAnyPortMapping", set(), {601, 606, 715, 716, 728, 729, 732}),
    ("DeletePortMapping", {714}, {606, 714}),
    ("DeletePortMappingRange", set(), {606, 730, 733}),
    ("GetListOfPortMappings", set(), {606, 730, 733}),
]

# Reached by a test of their own, since the gateway must be in another state: (action, by v1, by v2).
REACHED_ELSEWHERE = [
    ("RequestConnection", 704, 704),  # without a WAN address
    ("RequestTermination", 606, 606),  # not in the description
    ("AddPortMapping", 501, 728),  # with the quota used up
    ("AddAnyPortMapping", None, 728),
]

# Never given, because ...: {(action, error): why}; None for every action.
NEVER = {
    (None, 703): "a ConnectionType that is not IP_Routed is 731 in every state",
    (None, 705): "there is nothing to set up, so nothing is in progress",
    (None, 706): "the connection is the router's own, and configured",
    (None, 707): "no LAN can disconnect",
    (None, 708): "there is no layer 2 address to be wrong",
    (None, 709): "internet access cannot be disabled",
    (None, 710): "the one ConnectionType is the right one",
    (None, 711): "terminating is refused first, by 606",
    (None, 715): "RemoteHost may be a wildcard",
    (None, 724): "InternalPort and ExternalPort may differ",
    (None, 725): "leases of any length are kept",
    (None, 726): "RemoteHost may be an address",
    (None, 727): "ExternalPort may be any but the wildcard",
    ("GetGenericPortMappingEntry", 606): "a caller's array holds what it may see alone",
    ("DeletePortMappingRange", 606): "mappings the caller may not touch are left out; none left is 730",
    ("GetListOfPortMappings", 606): "mappings the caller may not see are left out; none left is 730",
    ("AddAnyPortMapping", 729): "a port that another has is no conflict: another is reserved",
    (None, 602): "an optional action that is not there is not described either: 401",
}
