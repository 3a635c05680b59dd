/**
 * The principals in force: read at the start, then again whenever the file changes.
 *
 * Watching is on the directory, since an atomic replace gives the name a new file and a watch on the
 * old one goes blind. Not every file system tells of changes (network shares, mounted secrets), so the
 * file's stamp is also looked at twice a second. Either way a reload is all or nothing: a bad file is
 * reported once and leaves the last good principals in force. Where reading failed for a reason of the machine
 * (no descriptor free, an I/O error), nothing is known of the file: it is read again until it could be,
 * since an access key that was revoked in it works until then.
 */

import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createPolicyCompiler } from './compile-policies.ts'
import { indexPrincipals, type PrincipalIndex } from './index-principals.ts'
import { readPrincipalsFile, stampPrincipalsFile } from './read-principals-file.ts'

export interface Principals extends PrincipalIndex, AsyncDisposable {}

/** Half of the second within which a change is in force. */
const POLL_MS = 500

/**
 * @param o.onReloadFailure told once for each state of the file that could not be used, and reason
 * @param o.onReload told when a change is in force
 * @throws what reading the file throws, at the start only
 */
export async function openPrincipals(o: {
  file: string
  onReloadFailure: (error: unknown) => void
  onReload?: () => void
}): Promise<Principals> {
  const first = await readPrincipalsFile(o.file)
  let compiler = createPolicyCompiler()
  let inForce = indexPrincipals(first.document, compiler)
  let judged: string | undefined = first.stamp
  let reported = ''

  const reload = async (): Promise<void> => {
    const current = await stampPrincipalsFile(o.file)
    if (current === judged) return
    try {
      const read = await readPrincipalsFile(o.file)
      const next = createPolicyCompiler(compiler)
      inForce = indexPrincipals(read.document, next)
      compiler = next
      judged = read.stamp
    } catch (error) {
      // The state is settled where the file itself is bad, and still lies there as it did; not where the machine failed to read it.
      const after = await stampPrincipalsFile(o.file)
      judged = isOfTheMachine(error) || after !== current ? undefined : current
      const failure = `${after} ${error}`
      if (failure !== reported) o.onReloadFailure(error)
      reported = failure
      return
    }
    reported = ''
    o.onReload?.()
  }
  const watching = watchFile(o.file, () => reload().catch(o.onReloadFailure))
  return {
    findByAccessKey: (accessKeyId) => inForce.findByAccessKey(accessKeyId),
    findPrincipal: (arn) => inForce.findPrincipal(arn),
    findRole: (arn) => inForce.findRole(arn),
    findRoleByName: (o) => inForce.findRoleByName(o),
    findService: (name) => inForce.findService(name),
    all: () => inForce.all(),
    [Symbol.asyncDispose]: () => watching[Symbol.asyncDispose](),
  }
}

/** A call of the system failed. Of a file that is missing or open to others we say so by errors of ours, which have no such mark. */
function isOfTheMachine(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

/** Calls `look` at every hint of a change and every POLL_MS, never twice at once. */
function watchFile(file: string, look: () => Promise<void>): AsyncDisposable {
  let running: Promise<void> | undefined
  let again = false
  let closed = false
  const run = async (): Promise<void> => {
    do {
      again = false
      await look()
    } while (again && !closed)
    running = undefined
  }
  const hint = (): void => {
    if (running === undefined) running = run()
    else again = true
  }
  const timer = setInterval(hint, POLL_MS)
  // Neither keeps a process alive that has nothing else to do.
  timer.unref()
  const watcher = watchDirectory(file, hint)
  return {
    async [Symbol.asyncDispose]() {
      closed = true
      clearInterval(timer)
      watcher?.close()
      await running
    },
  }
}

/** undefined where watching is not to be had (inotify limits, some file systems): looking twice a second is enough. */
function watchDirectory(file: string, hint: () => void): FSWatcher | undefined {
  const name = basename(file)
  try {
    const watcher = watch(dirname(file), { persistent: false }, (event, changed) => {
      // Any rename may put another file in this one's place (mounted secrets swap a directory link beside
      // it); writes to other files are none of ours, and may be many.
      if (event === 'rename' || changed === name) hint()
    })
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
