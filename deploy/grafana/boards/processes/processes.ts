import { BoolYesNo, BytesIEC, OpsPerSecond, PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { lines } from '../../panels/lines.ts'
import { list } from '../../panels/list.ts'

/** The standard metrics of a process have names that others use too. */
const OURS = '{job=~"sealcast-.+"}'

export function processes(): Section {
  return {
    title: 'Processes',
    panels: [
      list({
        title: 'Processes',
        means: 'Every process that Prometheus scrapes: whether it answered, and for how long it has been up.',
        act: 'Up is No: it is down, or its metrics cannot be reached. A short uptime that nobody caused: it crashed, see its log.',
        unit: Short,
        span: 12,
        height: 9,
        sortBy: 'Uptime',
        labels: { job: 'Job', instance: 'Instance' },
        columns: [
          { expr: `max by (job, instance) (up${OURS})`, name: 'Up', unit: BoolYesNo },
          {
            expr: `time() - max by (job, instance) (process_start_time_seconds${OURS})`,
            name: 'Uptime',
            unit: Seconds,
          },
        ],
      }),
      list({
        title: 'Versions',
        means: 'How many processes of each service run which version.',
        act: 'Two versions for longer than an update takes: one process was forgotten.',
        unit: Short,
        span: 6,
        height: 9,
        sortBy: 'Processes',
        labels: { service: 'Service', version: 'Version' },
        columns: [{ expr: 'count by (service, version) (sealcast_build_info)', name: 'Processes' }],
      }),
      lines({
        title: 'Alive, by the list of members',
        means: 'Gateways and workers as they see each other in Redis.',
        act: 'Fewer here than processes that run: one cannot reach Redis.',
        unit: Short,
        span: 6,
        height: 9,
        queries: [
          { expr: 'max(sealcast_gateways_alive)', legend: 'gateways' },
          { expr: 'max(sealcast_workers_alive)', legend: 'workers' },
        ],
      }),
      lines({
        title: 'CPU',
        means:
          'Processor time of each process, as a share of one core. JavaScript runs on one; TLS and crypto have threads beside it.',
        act: 'Near 100 %: start another of the kind.',
        unit: PercentUnit,
        span: 12,
        queries: [
          {
            expr: `sum by (job, instance) (rate(process_cpu_seconds_total${OURS}[$__rate_interval]))`,
            legend: '{{job}} {{instance}}',
          },
        ],
      }),
      lines({
        title: 'Event loop lag, p99',
        means: 'How late timers fire: 99 of 100 were less late. Everything in the process waits that long.',
        act: 'Above 100 ms: too much for one process, or its machine is short of CPU. Leases and timeouts suffer first.',
        unit: Seconds,
        span: 12,
        limits: { alarm: 0.1 },
        queries: [{ expr: `nodejs_eventloop_lag_p99_seconds${OURS}`, legend: '{{job}} {{instance}}' }],
      }),
      lines({
        title: 'Memory (RSS)',
        means: 'Memory that the system gives each process.',
        act: 'It has a level that follows topics, subscriptions and backlog. Growing for days at the same load: report it.',
        unit: BytesIEC,
        span: 8,
        queries: [{ expr: `process_resident_memory_bytes${OURS}`, legend: '{{job}} {{instance}}' }],
      }),
      lines({
        title: 'Garbage collection',
        means: 'Share of time that garbage collection takes.',
        act: 'Above a few percent: the heap is near its limit, or batches are very large.',
        unit: PercentUnit,
        span: 8,
        queries: [
          {
            expr: `sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum${OURS}[$__rate_interval]))`,
            legend: '{{job}} {{instance}}',
          },
        ],
      }),
      lines({
        title: 'Open files',
        means: 'Open files and connections over the most that each process may have.',
        act: 'Near 1: raise the limit of open files, or lower SEALCAST_MAX_CONNECTIONS.',
        unit: PercentUnit,
        span: 8,
        limits: { alarm: 0.9 },
        queries: [{ expr: `process_open_fds${OURS} / process_max_fds${OURS}`, legend: '{{job}} {{instance}}' }],
      }),
      lines({
        title: 'Requests in flight',
        means: 'Requests that each gateway has read and not yet answered.',
        act: 'At SEALCAST_MAX_REQUESTS_IN_FLIGHT further ones get a 503. Uneven: clients keep connections to one gateway.',
        unit: Short,
        span: 12,
        queries: [{ expr: 'sum by (instance) (sealcast_requests_in_flight)', legend: '{{instance}}' }],
      }),
      lines({
        title: 'Entries claimed',
        means: 'Stream entries that each worker takes for delivery, per second.',
        act: 'A worker at zero that owns partitions with entries stands still: see its log.',
        unit: OpsPerSecond,
        span: 12,
        queries: [
          {
            expr: 'sum by (instance) (rate(sealcast_entries_claimed_total[$__rate_interval]))',
            legend: '{{instance}}',
          },
        ],
      }),
    ],
  }
}
