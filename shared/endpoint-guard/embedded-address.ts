/** Where IPv6 addresses carry IPv4 ones: pure functions from the 128 bits to the 32. */

const IPV4 = 0xffff_ffffn

/** @param shift bits below the IPv4 address */
export function ipv4At(shift: number): (value: bigint) => readonly bigint[] {
  return (value) => [(value >> BigInt(shift)) & IPV4]
}

/** The relay it is sent through, and the client behind it, whose bits are inverted. RFC 4380, 4. */
export function teredo(value: bigint): readonly bigint[] {
  return [(value >> 64n) & IPV4, ~value & IPV4]
}

/**
 * A network's own NAT64 chooses how long its prefix is, so that each place an IPv4 address may stand at
 * counts (RFC 6052, 2.2: bits 64 to 71 are skipped), and some addresses are refused without need. A
 * reading of 0.0.0.0 to 0.255.255.255 is none: every address has such a one at lengths its network did not
 * choose.
 */
export function localNat64(value: bigint): readonly bigint[] {
  const readings = [
    value & IPV4,
    (value >> 24n) & IPV4,
    (((value >> 64n) & 0xffn) << 24n) | ((value >> 32n) & 0xff_ffffn),
    (((value >> 64n) & 0xffffn) << 16n) | ((value >> 40n) & 0xffffn),
  ]
  return readings.filter((reading) => reading >> 24n !== 0n)
}
