/** Every gateway samples the same Redis, so that the largest of their values is taken, and the least of what is 1 when all is well. */

import { BytesIEC, OpsPerSecond, PercentUnit, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { figure } from '../../panels/figure.ts'
import { lines } from '../../panels/lines.ts'

export function redis(): Section {
  return {
    title: 'Redis',
    panels: [
      figure({
        title: 'Answers',
        means: 'Whether each Redis node answers every gateway.',
        act: 'Nothing is accepted while it is away; what was accepted is in its file. Start it, and everything goes on.',
        unit: Short,
        span: 4,
        limits: { alarmBelow: 1 },
        texts: { 0: 'Away', 1: 'Up' },
        queries: [{ expr: 'min by (node) (sealcast_redis_up)', legend: '{{node}}' }],
      }),
      figure({
        title: 'Append-only file',
        means: 'Whether Redis writes each change to its file.',
        act: 'Off: a restart loses all messages. Set `appendonly yes`.',
        unit: Short,
        span: 4,
        limits: { alarmBelow: 1 },
        texts: { 0: 'Off', 1: 'On' },
        queries: [{ expr: 'min by (node) (sealcast_redis_aof_enabled)', legend: '{{node}}' }],
      }),
      figure({
        title: 'Persistence',
        means: 'Whether the last write of the file, and the last snapshot where there are any, succeeded.',
        act: 'Failing: is the disk full, are there rights? Until then a crash loses what was acknowledged.',
        unit: Short,
        span: 4,
        limits: { alarmBelow: 1 },
        texts: { 0: 'Failing', 1: 'Well' },
        queries: [{ expr: 'min by (node) (sealcast_redis_persistence_ok)', legend: '{{node}}' }],
      }),
      figure({
        title: 'Memory used of its limit',
        means: 'Memory in use over maxmemory; without a limit it has no value.',
        act: 'Near 1: publishes will be refused, since Redis must not evict. Give it more, or let backlogs drain.',
        unit: PercentUnit,
        span: 4,
        decimals: 0,
        limits: { look: 0.7, alarm: 0.9 },
        none: 'No limit set',
        queries: [
          {
            expr: 'max by (node) (sealcast_redis_memory_used_bytes) / (max by (node) (sealcast_redis_memory_max_bytes) > 0)',
            legend: '{{node}}',
          },
        ],
      }),
      figure({
        title: 'Clients',
        means: 'Connections to Redis: the broker’s, and any that are not.',
        act: 'More than processes explain: who else connects?',
        unit: Short,
        span: 4,
        queries: [{ expr: 'max by (node) (sealcast_redis_clients)', legend: '{{node}}' }],
      }),
      figure({
        title: 'Replicas',
        means: 'Replicas that follow each node.',
        act: 'Fewer than you set up: a failover would lose more.',
        unit: Short,
        span: 4,
        queries: [{ expr: 'max by (node) (sealcast_redis_replicas)', legend: '{{node}}' }],
      }),
      lines({
        title: 'Memory',
        means: 'Memory that Redis uses, by node, and its limit where it has one.',
        act: 'It follows what waits. Growing with nothing waiting: what else is in it?',
        unit: BytesIEC,
        span: 12,
        expectations: ['limit'],
        queries: [
          { expr: 'max by (node) (sealcast_redis_memory_used_bytes)', legend: 'used {{node}}' },
          { expr: 'max(sealcast_redis_memory_max_bytes > 0)', legend: 'limit' },
        ],
      }),
      lines({
        title: 'Commands',
        means: 'Commands that Redis processed per second, by node.',
        act: 'Compare with messages: more per message than usual is retries, or another client.',
        unit: OpsPerSecond,
        span: 12,
        queries: [
          {
            expr: 'max by (node) (rate(sealcast_redis_commands_processed_total[$__rate_interval]))',
            legend: '{{node}}',
          },
        ],
      }),
    ],
  }
}
