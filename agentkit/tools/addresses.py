"""Which addresses of the internet protocol a tool may connect to: public unicast, and nothing that leads inside.

Source: the IANA special-purpose address registries (RFC 6890), as `ipaddress` knows them, and what hides an IPv4
address in an IPv6 one: mapped (RFC 4291), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP
(RFC 5214).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_PUBLIC_IPV6 = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
"""6to4, Teredo and local NAT64: what they lead to cannot be told from outside, and nothing public is only there."""
_NAT64 = IPv6Network("64:ff9b::/96")
_UNLISTED = {
    IPv4Address("168.63.129.16"): "the inside of a cloud",  # Azure's host agent, a public address that never leaves
}


def forbidden_reason(address: str) -> str | None:
    """Why a tool may not connect to an address (`10.0.0.1`, `::1`), for the message; None where it may.

    What is no address at all is forbidden, too.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(parsed, IPv4Address):
        return _reason(parsed)
    embedded = _embedded(parsed)
    if embedded is not None:
        return _reason(embedded)
    if any(parsed in network for network in _TUNNELS):
        return "a tunnel"
    return _reason(parsed) or (None if parsed in _PUBLIC_IPV6 else "not a public address")


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    is_compatible = int(address) < 2**32 and int(address) > 1
    is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE
    if is_compatible or is_isatap or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _reason(address: IPv4Address | IPv6Address) -> str | None:
    if address.is_loopback or address.is_unspecified:
        return "this machine"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if isinstance(address, IPv4Address) and address in _UNLISTED:
        return _UNLISTED[address]
    if address.is_reserved or not address.is_global:
        return "a private or reserved address"
    return None
