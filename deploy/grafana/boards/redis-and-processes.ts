/** What the broker stands on: Redis, the partitions' leases, processes, certificates. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board } from '../board.ts'
import { UIDS } from '../links.ts'
import { partitions } from './processes/partitions.ts'
import { processes } from './processes/processes.ts'
import { redis } from './processes/redis.ts'
import { secrets } from './processes/secrets.ts'

export function redisAndProcesses(): Dashboard {
  return board({
    uid: UIDS.processes,
    title: 'Redis and processes',
    question: 'Do Redis, partitions, gateways and workers have what they need, and what runs out next?',
    tag: 'processes',
    from: 'now-1h',
    sections: [redis(), partitions(), processes(), secrets()],
  })
}
