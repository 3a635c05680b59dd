/** A supervisor that a test can kill: supervises one stand-in, with its data directory as its argument. */

import { dirname, join } from 'node:path'
import { openLogFiles } from '../log-files.ts'
import { openPidFile } from '../pid-file.ts'
import { supervise } from '../supervise.ts'

const folder = process.argv[2] ?? ''
const pids = openPidFile(join(folder, 'pids.json'))
const supervised = supervise(
  {
    name: 'stand-in',
    command: process.execPath,
    args: [join(dirname(import.meta.filename), 'stand-in.ts'), 'obedient'],
    env: process.env,
    cwd: folder,
    ready: 'message',
    stopGraceMs: 1000,
  },
  {
    logs: openLogFiles({ folder, onLine: () => {} }),
    events: { onPid: pids.set, onDeath: () => {}, onRestarted: () => {} },
  },
)
await supervised.start()
process.send?.({ kind: 'ready' })
