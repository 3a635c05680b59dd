/**
 * Whether every gateway is known to have done with what it read of a topic before a change. Pure.
 *
 * The list of members is authenticated by nobody, so a gateway that somebody took off it must count all the same:
 * Redis says how many connections a notice reached, and each of them must have answered. (A cluster counts those
 * of one node; there the list alone decides.) Somebody else who listens is counted too and never answers: then
 * changes take as long as they may.
 */
export function isConfirmed(o: {
  /** Ids on the list of members. */
  members: readonly string[]
  /** How many connections the notice reached. */
  receivers: number
  /** Whether one of these is the changer's own. */
  selfReceives: boolean
  /** Ids of gateways that acknowledged, the changer's among them once its own uses have ended. */
  acknowledged: ReadonlySet<string>
}): boolean {
  const needed = o.selfReceives ? o.receivers : o.receivers + 1
  return o.acknowledged.size >= needed && o.members.every((id) => o.acknowledged.has(id))
}
