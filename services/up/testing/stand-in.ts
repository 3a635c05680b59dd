/**
 * Stands in for a service under supervision: says that it is ready, writes to its log, and stops as told
 * by its first argument, `obedient`, `stubborn` (ignores SIGTERM), `doomed` (ends before it is ready) or
 * `silent` (never says that it is ready).
 */

import { writeSync } from 'node:fs'

const manner = process.argv[2]
writeSync(1, `${manner} ${process.pid}\n`)
if (manner === 'doomed') process.exit(3)
process.on('SIGTERM', () => {
  if (manner !== 'stubborn') process.exit(0)
})
process.on('disconnect', () => process.exit(0))
if (manner !== 'silent') process.send?.({ kind: 'ready' })
setInterval(() => {}, 1000)
