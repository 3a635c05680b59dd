/** Entries as they come out of the stream, unread: only `decodeEntry` knows what they mean. */

export interface ClaimedEntry {
  /** `<ms>-<sequence>`, given by Redis. */
  streamId: string
  /** None when the entry is longer than any of ours: it is not read, only put aside. */
  fields: ReadonlyMap<string, Buffer>
}

/** Reads a list of [id, [field, value, …]], as XREADGROUP gives for one stream. */
export function readClaimedEntries(reply: unknown): ClaimedEntry[] {
  if (!Array.isArray(reply)) throw new TypeError('Redis answered no list of entries')
  return reply.map((item: unknown) => {
    const [id, fields]: unknown[] = Array.isArray(item) ? item : []
    return { streamId: String(id), fields: readFields(fields) }
  })
}

/** Reads [field, value, …]. */
export function readFields(reply: unknown): Map<string, Buffer> {
  const fields = new Map<string, Buffer>()
  if (!Array.isArray(reply)) return fields
  for (let at = 0; at + 1 < reply.length; at += 2) {
    const value: unknown = reply[at + 1]
    if (Buffer.isBuffer(value)) fields.set(String(reply[at]), value)
  }
  return fields
}
