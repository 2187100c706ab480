/**
 * Every reason for which the packet path gives a packet up, as a table: a reason's place in it is the place of its
 * counter. Names and words alone; counts nothing.
 */

/** `name` is what the API calls the counter; `description` says to a person what was dropped and why. */
export const DROP_REASONS = [
  // From the network, before a session is known.
  { name: 'datagram-too-long', description: 'a datagram longer than the buffer that takes it' },
  { name: 'header-truncated', description: 'a datagram that ends within its L2TP header' },
  { name: 'header-version', description: 'an L2TP header of another version than 2 and 3, or of version 2 over IP' },
  { name: 'header-length', description: 'an L2TP Length or Offset Size that the datagram does not hold' },
  {
    name: 'control-flags',
    description: 'a control message without T bit, Length or Ns and Nr, or with an Offset Size',
  },
  { name: 'control-unknown-tunnel', description: 'a control message for a tunnel that is not there' },
  { name: 'control-wrong-peer', description: "a control message from another address than the tunnel's peer" },
  { name: 'control-rate', description: 'a control message above the rate granted to one tunnel' },
  { name: 'control-backlog', description: 'a control message that came faster than they can be handled' },
  { name: 'stranger-rate', description: 'a request for a tunnel above the rate granted to one address, or to all' },
  { name: 'stranger-backlog', description: 'a request for a tunnel while too many wait to be handled' },
  { name: 'unknown-session', description: 'data for a session that is not there' },
  { name: 'session-zero', description: 'data for session 0, by which a board tests that packets are handled' },
  // From an Ethernet interface, before a session is known or as not its own.
  { name: 'pppoe-truncated', description: 'a PPPoE frame that ends within its headers' },
  { name: 'pppoe-header', description: 'a PPPoE session frame whose version, type or code is not that of data' },
  { name: 'pppoe-length', description: 'a PPPoE frame that is shorter than its length says' },
  { name: 'pppoe-unknown-session', description: 'a PPPoE frame for a session that is not there' },
  { name: 'pppoe-wrong-source', description: "a PPPoE frame from another MAC address than its session's host" },
  { name: 'pppoe-wrong-destination', description: 'a PPPoE frame to another MAC address than its session has here' },
  { name: 'pppoe-wrong-vlan', description: 'a PPPoE frame with other VLAN tags than its session has' },
  { name: 'discovery-rate', description: 'a PPPoE discovery frame above the rate granted to one host, or to all' },
  { name: 'discovery-backlog', description: 'a PPPoE discovery frame while too many wait to be handled' },
  // From a session's peer.
  { name: 'wrong-cookie', description: "data for a session without that session's cookie" },
  {
    name: 'wrong-encapsulation',
    description: "data or a control message in another version or encapsulation than its session's or tunnel's",
  },
  { name: 'wrong-tunnel', description: "data for a session under another tunnel's ID" },
  { name: 'wrong-peer', description: "data for a session from another address than the tunnel's peer" },
  { name: 'sequence-old', description: 'data whose Ns is not above the last that came: late or twice' },
  { name: 'ppp-truncated', description: 'a PPP frame that ends within its protocol field' },
  { name: 'ipv4-not-open', description: 'an IPv4 packet of a session whose IPCP is not open' },
  { name: 'ipv6-not-open', description: 'an IPv6 packet of a session whose IPV6CP is not open' },
  { name: 'ipv4-malformed', description: 'an IPv4 packet whose lengths do not fit each other or the frame' },
  { name: 'ipv6-malformed', description: 'an IPv6 packet whose length does not fit the frame' },
  { name: 'source-not-allowed', description: "a packet from a source address that is not its user's" },
  { name: 'destination-not-allowed', description: 'a packet to a destination that is not behind this end of the call' },
  { name: 'ppp-rate', description: 'a PPP control frame above the rate granted to one session' },
  { name: 'ppp-backlog', description: 'a PPP control frame while too many wait to be handled' },
  { name: 'rate-exceeded-from-peer', description: 'a packet above the rate that its session may send' },
  { name: 'hold-full', description: 'a frame of a caller whose tunnel is being opened, above the number that is kept' },
  { name: 'hold-abandoned', description: 'a frame that was kept for a tunnel that did not come to be' },
  { name: 'relay-gone', description: 'a frame to be relayed to a session that is gone' },
  { name: 'ethernet-not-open', description: 'an Ethernet frame of a pseudowire that is not up' },
  { name: 'ethernet-truncated', description: 'an Ethernet frame that ends within its header' },
  { name: 'ethernet-too-long', description: 'an Ethernet frame longer than its pseudowire carries' },
  { name: 'vlan-tag-missing', description: 'an Ethernet frame without a tag from the peer of a VLAN pseudowire' },
  { name: 'tun-not-open', description: 'a packet for a TUN or TAP device that is not open' },
  { name: 'tun-write-refused', description: 'a packet that the TUN or TAP device did not take' },
  // Towards a session's peer.
  { name: 'tun-malformed', description: 'a packet from a TUN device whose lengths do not fit' },
  { name: 'tun-read-error', description: 'an error of the kernel while a TUN or TAP device was read' },
  { name: 'no-session-for-destination', description: 'a packet to an address or network that no session holds' },
  { name: 'link-local-scope', description: 'a packet of link-local scope from a TUN device: it belongs to one link' },
  { name: 'too-big', description: 'a packet larger than its session takes, which may not be fragmented' },
  { name: 'rate-exceeded-to-peer', description: 'a packet above the rate that its session may receive' },
  { name: 'no-buffer', description: 'a packet for which no buffer was left in this turn' },
  { name: 'stale-session', description: 'a frame or change for a session that is gone, or is another by now' },
  { name: 'frame-too-long', description: 'a frame or message to be sent that is longer than a buffer' },
  { name: 'no-session-room', description: 'a session above the number that the table was made for' },
  { name: 'no-socket', description: 'a datagram of an address family or protocol that this machine does not have' },
  { name: 'interface-not-open', description: 'a frame for an Ethernet interface that is gone or not open' },
  {
    name: 'frame-refused',
    description: 'a frame that an Ethernet interface did not take: longer than its MTU, or down',
  },
  { name: 'send-buffer-full', description: 'a datagram or frame that the kernel had no room for' },
  { name: 'send-refused', description: 'a datagram that the kernel refused: no route, a filter, a lost local address' },
  { name: 'receive-error', description: 'an error of the kernel while datagrams or frames were received' },
] as const satisfies readonly { name: string; description: string }[];

export type DropReason = (typeof DROP_REASONS)[number]['name'];

/** The place of each reason's counter. */
export const DROP = Object.fromEntries(DROP_REASONS.map(({ name }, index) => [name, index])) as Readonly<
  Record<DropReason, number>
>;

/** What is given instead of a reason for a packet that went on. */
export const FORWARDED = -1;
