import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { addPrincipal } from './index.ts'
import { accessKeysOf, nameOf } from './principals-file.ts'
import { readPrincipalsFile } from './read-principals-file.ts'

suite('addPrincipal()', () => {
  test('makes the file and its directory, for the owner alone', async () => {
    await using dir = await setup()
    const file = join(dir.path, 'new', 'principals.json')
    const before = process.umask(0)
    try {
      await addPrincipal(file, { arn: ALICE })
    } finally {
      process.umask(before)
    }
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(dir.path, 'new'))).mode & 0o777, 0o700)
    assert.deepEqual(await readdir(join(dir.path, 'new')), ['principals.json'])
  })

  test('lets the owner read and write the file, whatever the umask', async () => {
    await using dir = await setup()
    const before = process.umask(0o377)
    try {
      await addPrincipal(dir.file, { arn: ALICE })
    } finally {
      process.umask(before)
    }
    assert.equal((await stat(dir.file)).mode & 0o777, 0o600)
  })

  test('returns the access key that stands in the file, in the form AWS gives', async () => {
    await using dir = await setup()
    const clock = createFakeClock()
    const added = await addPrincipal(dir.file, { arn: ALICE, clock })
    assert.match(added.accessKeyId, /^AKIA[A-Z2-7]{16}$/)
    assert.match(added.secretAccessKey, /^[A-Za-z0-9+/]{40}$/)
    const [alice] = (await readPrincipalsFile(dir.file)).document.principals
    assert.ok(alice !== undefined && 'userId' in alice)
    assert.match(alice.userId, /^AIDA[A-Z2-7]{17}$/)
    assert.deepEqual(alice, {
      arn: ALICE,
      userId: alice.userId,
      accessKeys: [{ id: added.accessKeyId, secret: added.secretAccessKey, createdAt: clock.now() }],
      policies: {},
    })
  })

  test('gives root the account as its user id, as AWS does', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: 'arn:aws:iam::123456789012:root' })
    const [root] = (await readPrincipalsFile(dir.file)).document.principals
    assert.equal(root !== undefined && 'userId' in root && root.userId, '123456789012')
  })

  test('keeps who is there already', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    const bob = await addPrincipal(dir.file, { arn: BOB })
    assert.notEqual(alice.secretAccessKey, bob.secretAccessKey)
    const { principals } = (await readPrincipalsFile(dir.file)).document
    assert.deepEqual(
      principals.map((entry) => [nameOf(entry), accessKeysOf(entry)[0]?.secret]),
      [
        [ALICE, alice.secretAccessKey],
        [BOB, bob.secretAccessKey],
      ],
    )
  })

  test('refuses a principal that is there already', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await unchangedAfter(dir, 'PRINCIPAL_EXISTS')
  })

  test('refuses a name that another one of the account has under another path or in other case', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    for (const arn of [`${USERS}path/alice`, `${USERS}Alice`]) {
      await assert.rejects(addPrincipal(dir.file, { arn }), { code: 'PRINCIPAL_EXISTS' })
    }
  })

  test('refuses an ARN that is none of a principal, and makes no file', async () => {
    await using dir = await setup()
    await assert.rejects(addPrincipal(dir.file, { arn: 'arn:aws:iam::1:user/x' }), { code: 'PRINCIPAL_ARN_INVALID' })
    assert.deepEqual(await readdir(dir.path), [])
  })

  test('refuses a file that it cannot read, and leaves it as it is', async () => {
    await using dir = await setup()
    await writeFile(dir.file, '{"version":1,"principals":[', { mode: 0o600 })
    await unchangedAfter(dir, 'DOCUMENT_INVALID')
  })

  for (const mode of [0o640, 0o604, 0o620, 0o644, 0o666]) {
    test(`refuses a file of mode ${mode.toString(8)}`, async () => {
      await using dir = await setup()
      await addPrincipal(dir.file, { arn: BOB })
      await chmod(dir.file, mode)
      await unchangedAfter(dir, 'PRINCIPALS_FILE_EXPOSED')
    })
  }

  test('replaces the file that a symbolic link points to, and keeps the link', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    const link = join(dir.path, 'link.json')
    await symlink(dir.file, link)
    await addPrincipal(link, { arn: BOB })
    assert.equal((await readPrincipalsFile(dir.file)).document.principals.length, 2)
  })

  test('loses nobody when many are added at once', async () => {
    await using dir = await setup()
    const arns = Array.from({ length: 8 }, (_, at) => `arn:aws:iam::000000000000:user/u${at}`)
    await Promise.all(arns.map((arn) => addPrincipal(dir.file, { arn })))
    const { principals } = (await readPrincipalsFile(dir.file)).document
    assert.deepEqual(principals.map(nameOf).sort(), arns)
    assert.deepEqual(await readdir(dir.path), ['principals.json'])
  })

  test('gives up when a living process keeps the lock, and leaves the lock to it', async () => {
    await using dir = await setup()
    await writeFile(dir.lock, JSON.stringify({ host: hostname(), pid: process.pid, token: 'other' }))
    await assert.rejects(addPrincipal(dir.file, { arn: ALICE, lockWaitMs: 60 }), { code: 'PRINCIPALS_FILE_LOCKED' })
    assert.deepEqual(await readdir(dir.path), ['principals.json.lock'])
  })

  test('takes over the lock of a process that is gone', async () => {
    await using dir = await setup()
    await writeFile(dir.lock, JSON.stringify({ host: hostname(), pid: await pidOfNobody(), token: 'dead' }))
    await Promise.all([ALICE, BOB].map((arn) => addPrincipal(dir.file, { arn })))
    assert.equal((await readPrincipalsFile(dir.file)).document.principals.length, 2)
    assert.deepEqual(await readdir(dir.path), ['principals.json'])
  })

  for (const [name, holder] of [
    ['another host', JSON.stringify({ host: 'elsewhere', pid: 1, token: 'other' })],
    ['nobody, since its writer died before naming itself', ''],
  ] as const) {
    test(`takes over the lock of ${name} after 30 seconds, not before`, async () => {
      await using dir = await setup()
      const clock = createFakeClock()
      await writeFile(dir.lock, holder)
      await utimes(dir.lock, clock.now() / 1000, clock.now() / 1000)
      clock.advance(30_000)
      const attempt = () => addPrincipal(dir.file, { arn: ALICE, clock, lockWaitMs: 40 })
      await assert.rejects(attempt(), { code: 'PRINCIPALS_FILE_LOCKED' })
      clock.advance(1)
      await attempt()
      assert.deepEqual(await readdir(dir.path), ['principals.json'])
    })
  }

  test('writes nothing when its own lock was taken over meanwhile', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: BOB })
    const stolen = `${JSON.stringify({ host: hostname(), pid: process.pid, token: 'thief' })}\n`
    // The clock is read once, under the lock and before anything is written.
    const clock = {
      now() {
        writeFileSync(dir.lock, stolen)
        return 0
      },
    }
    const before = await readFile(dir.file, 'utf8')
    await assert.rejects(addPrincipal(dir.file, { arn: ALICE, clock }), { code: 'PRINCIPALS_FILE_LOCKED' })
    assert.equal(await readFile(dir.file, 'utf8'), before)
    assert.deepEqual((await readdir(dir.path)).sort(), ['principals.json', 'principals.json.lock'])
    assert.equal(await readFile(dir.lock, 'utf8'), stolen)
  })
})

const USERS = 'arn:aws:iam::000000000000:user/'
const ALICE = `${USERS}alice`
const BOB = 'arn:aws:iam::000000000000:user/teams/bob'

type Directory = Awaited<ReturnType<typeof setup>>

async function unchangedAfter(dir: Directory, code: string): Promise<void> {
  const before = await readFile(dir.file, 'utf8')
  await assert.rejects(addPrincipal(dir.file, { arn: ALICE }), { code })
  assert.equal(await readFile(dir.file, 'utf8'), before)
  assert.deepEqual(await readdir(dir.path), ['principals.json'])
}

/** The id of a process that has just ended. */
async function pidOfNobody(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('exit', resolve))
  return child.pid ?? 0
}

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'principals-'))
  const file = join(path, 'principals.json')
  return {
    path,
    file,
    lock: `${file}.lock`,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
