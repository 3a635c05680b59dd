/**
 * Lets one bootstrap at a time install into this checkout: two `npm ci` at once would delete each
 * other's files.
 *
 * The lock is a file with the holder's pid, touched every second. One whose holder is gone, or that
 * nobody touched for a while (another machine's, a reused pid), is taken over.
 */

import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from './progress.mjs'

const TOUCH_MS = 1000
const STALE_MS = 30_000

export async function withInstallLock(root, work) {
  const file = join(root, '.bootstrap.lock')
  let waiting = false
  while (!tryCreate(file)) {
    if (clearStale(file)) continue
    if (!waiting) say('waiting for another installation in this folder')
    waiting = true
    await sleep(200)
  }
  const touching = setInterval(() => touch(file), TOUCH_MS)
  touching.unref()
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    process.removeListener('exit', release)
    release()
  }
}

function tryCreate(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/**
 * Removes a lock that nobody holds any more, one process at a time: whoever had looked at the old one before another took it
 * over would remove the new one. Whoever finds the guard taken looks again later.
 *
 * @returns whether it did
 */
function clearStale(file) {
  const guard = `${file}.guard`
  if (!tryCreate(guard)) {
    // Its holder was killed between two lines.
    if (isStale(guard)) rmSync(guard, { force: true })
    return false
  }
  try {
    if (!isStale(file)) return false
    rmSync(file, { force: true })
    return true
  } finally {
    rmSync(guard, { force: true })
  }
}

function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return true
    // Created but not yet written: the holder is about to.
    const pid = Number(readFileSync(file, 'utf8') || process.pid)
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // Somebody removed it; the worst that follows is a second npm ci.
  }
}
