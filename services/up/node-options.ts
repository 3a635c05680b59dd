/** How Node is told to treat the memory of each service. docker-compose.yml and deploy/Dockerfile say the same. */

/**
 * MiB of memory for the young, by service. A message lives for a few milliseconds and costs a few dozen KiB: in
 * Node's default of 16 MiB many are still alive when it is full, are copied and grow old. Measured (Node 24.21, two
 * cores): with 32 MiB a publish took 71–77 µs of the gateway's processor time instead of 87–100, and 64 MiB gained no
 * more; the worker delivered 12,250 messages/s with 32 MiB, 13,690 with 64 and 14,080 with 128.
 */
const YOUNG_MIB = { gateway: 32, delivery: 64 } as const

/**
 * V8 makes objects old at birth where most made at the same place outlived a collection, which those of messages in flight do. They die
 * as soon as all others, but until old objects are collected each collection of young ones takes for alive what they
 * refer to: message, request and answer. Without it a worker that drained a backlog made 0.5 MB old at each collection instead of 9,
 * and these took 0.22 s instead of 0.57, of 6.6 and 7.5 s of processor time for 80,000 deliveries (Node 24.21).
 */
const NONE_BORN_OLD = '--no-allocation-site-pretenuring'

/** @returns arguments of node that come before the script */
export function nodeOptionsOf(service: string): readonly string[] {
  if (service !== 'gateway' && service !== 'delivery') return []
  return [`--max-semi-space-size=${YOUNG_MIB[service]}`, NONE_BORN_OLD]
}
