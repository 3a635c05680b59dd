/**
 * Has the rules go faster: every window and every wait of a rule file is divided by one factor, so that what takes an hour of
 * production takes three minutes. Data keys and scrapes have to go faster by the same factor; then the shapes are those of production.
 *
 * Rates stay per second. Beside that only the limits in THRESHOLDS are made smaller.
 */

/** Comparisons with seconds that are no PromQL durations, or that no run of minutes reaches; and what they become. */
export const THRESHOLDS: readonly (readonly [rule: string, as: string])[] = [
  ['process_start_time_seconds < 300', 'process_start_time_seconds < 15'],
  ['process_start_time_seconds < 900', 'process_start_time_seconds < 45'],
  ['sealcast_held_seconds) > 3600', 'sealcast_held_seconds) > 10'],
  ['sealcast_partition_oldest_entry_seconds) > 120', 'sealcast_partition_oldest_entry_seconds) > 6'],
  ['sealcast:backlog:entries > 1000', 'sealcast:backlog:entries > 50'],
  ['sealcast:backlog:messages > 1000', 'sealcast:backlog:messages > 50'],
]

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/**
 * @param text of a rule file
 * @returns it with `[window]`, `offset` and `for:` divided by `factor`, in whole milliseconds
 */
export function scaleRules(text: string, factor: number): string {
  const scale = (amount: string, unit: string) =>
    `${Math.round((Number(amount) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS] * 1000) / factor)}ms`
  const faster = text
    .replace(/\[(\d+)([smhd])\]/g, (_, amount, unit) => `[${scale(amount, unit)}]`)
    .replace(/\boffset (\d+)([smhd])\b/g, (_, amount, unit) => `offset ${scale(amount, unit)}`)
    .replace(/^( +for: )(\d+)([smhd])$/gm, (_, before, amount, unit) => `${before}${scale(amount, unit)}`)
  return THRESHOLDS.reduce((rules, [rule, as]) => rules.replaceAll(rule, as), faster)
}
