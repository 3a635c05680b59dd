import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { chmod, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import {
  ADMINISTRATOR_ACCESS,
  addAccessKey,
  addPrincipal,
  addRole,
  addService,
  changeAccessKey,
  changeAttributes,
  openPrincipals,
  removePolicy,
  removePrincipal,
  setOrganization,
} from './index.ts'

suite('openPrincipals()', () => {
  test('finds a principal by access key, and nobody by any other', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: 'arn:aws:iam::123456789012:user/alice' })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const found = principals.findByAccessKey(alice.accessKeyId)
    assert.deepEqual(found, {
      principal: {
        kind: 'user',
        arn: alice.arn,
        account: '123456789012',
        userId: found?.principal.userId,
        policies: [],
        tags: new Map(),
        publisher: alice.arn,
        version: found?.principal.version,
      },
      secretAccessKey: alice.secretAccessKey,
    })
    assert.match(String(found?.principal.userId), /^AIDA/)
    for (const other of ['', 'AKIAOTHER', '__proto__', 'constructor', alice.accessKeyId.toLowerCase()]) {
      assert.equal(principals.findByAccessKey(other), undefined)
    }
  })

  test('has a principal in force within a second of its being added', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    for (const arn of [BOB, CAROL]) {
      const since = performance.now()
      const reloaded = dir.next('reloaded')
      const added = await addPrincipal(dir.file, { arn })
      await reloaded
      assert.ok(performance.now() - since < 1_000)
      assert.equal(principals.findByAccessKey(added.accessKeyId)?.principal.arn, arn)
    }
  })

  test('finds roles, services and sessions by name, with compiled policies', async () => {
    await using dir = await setup()
    const trustPolicy = {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { AWS: ALICE }, Action: 'sts:AssumeRole' },
    }
    const arn = 'arn:aws:iam::000000000000:role/team/ops'
    await addRole(dir.file, { arn, trustPolicy, policies: ADMINISTRATOR_ACCESS, tags: { team: 'a' } })
    const s3 = await addService(dir.file, { service: 's3.amazonaws.com' })
    await setOrganization(dir.file, '000000000000', { organizationId: 'o-abcdefghij' })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })

    const role = principals.findRole(arn)
    assert.equal(principals.findRoleByName({ account: '000000000000', name: 'ops' }), role)
    assert.equal(principals.findRoleByName({ account: '111122223333', name: 'ops' }), undefined)
    assert.equal(role?.trustPolicy.statements.length, 1)
    assert.match(role.roleId, /^AROA/)
    assert.equal(role.maxSessionSeconds, 3_600)
    const session = principals.findPrincipal(arn)
    assert.deepEqual(
      [session?.kind, session?.roleArn, session?.publisher, session?.organizationId, session?.tags.get('team')],
      ['role-session', arn, arn, 'o-abcdefghij', 'a'],
    )
    assert.equal(session?.policies[0]?.policy.statements[0]?.effect, 'Allow')
    assert.equal(session?.version, role.version)

    const service = principals.findService('s3.amazonaws.com')
    assert.deepEqual([service?.kind, service?.account, service?.arn], ['service', 'aws', 's3.amazonaws.com'])
    assert.equal(principals.findByAccessKey(s3.accessKeyId)?.principal, service)
    for (const other of ['', '__proto__', 'S3.amazonaws.com', 'arn:aws:iam::000000000000:role/other']) {
      assert.equal(principals.findPrincipal(other), undefined)
      assert.equal(principals.findRole(other), undefined)
      assert.equal(principals.findService(other), undefined)
    }
  })

  test('gives a principal another version with every change that decisions depend on, and no other', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE, policies: ADMINISTRATOR_ACCESS })
    await addPrincipal(dir.file, { arn: BOB })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const versionAfter = async (change: () => Promise<unknown>) => {
      const reloaded = dir.next('reloaded')
      await change()
      await reloaded
      return principals.findPrincipal(ALICE)?.version
    }
    const first = principals.findPrincipal(ALICE)?.version
    assert.equal(await versionAfter(() => addAccessKey(dir.file, ALICE)), first)
    assert.equal(await versionAfter(() => removePrincipal(dir.file, BOB)), first)
    const seen = new Set([first])
    for (const change of [
      () => changeAttributes(dir.file, ALICE, { tags: { team: 'a' } }),
      () => changeAttributes(dir.file, ALICE, { kmsRoleArn: 'arn:aws:iam::111122223333:role/r' }),
      () => setOrganization(dir.file, '000000000000', { organizationId: 'o-abcdefghij' }),
      () => removePolicy(dir.file, ALICE, { name: 'AdministratorAccess' }),
      async () => {
        await removePrincipal(dir.file, ALICE)
        await addPrincipal(dir.file, { arn: ALICE })
      },
    ]) {
      seen.add(await versionAfter(change))
    }
    assert.equal(seen.size, 6)
  })

  test('refuses an access key that was switched off, and keeps the other', async () => {
    await using dir = await setup()
    const first = await addPrincipal(dir.file, { arn: ALICE })
    const second = await addAccessKey(dir.file, ALICE)
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    assert.equal(principals.findByAccessKey(first.accessKeyId)?.principal.arn, ALICE)
    const reloaded = dir.next('reloaded')
    await changeAccessKey(dir.file, ALICE, { id: first.accessKeyId, to: 'Inactive' })
    await reloaded
    assert.equal(principals.findByAccessKey(first.accessKeyId), undefined)
    assert.equal(principals.findByAccessKey(second.accessKeyId)?.secretAccessKey, second.secretAccessKey)
  })

  test('drops a principal that is gone from a file written in place', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const reloaded = dir.next('reloaded')
    await writeFile(dir.file, EMPTY)
    await reloaded
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  test('sees a change that no watch tells of: the file behind a link, in another directory', async () => {
    await using dir = await setup()
    await using elsewhere = await setup()
    const alice = await addPrincipal(elsewhere.file, { arn: ALICE })
    await symlink(elsewhere.file, dir.file)
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const since = performance.now()
    const reloaded = dir.next('reloaded')
    await replace(elsewhere.file, EMPTY)
    await reloaded
    assert.ok(performance.now() - since < 1_000)
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  test('sees the link itself being replaced, as mounted secrets do', async () => {
    await using dir = await setup()
    await using elsewhere = await setup()
    const alice = await addPrincipal(elsewhere.file, { arn: ALICE })
    const next = join(elsewhere.path, 'next.json')
    await writeFile(next, EMPTY, { mode: 0o600 })
    await symlink(elsewhere.file, dir.file)
    await using principals = await openPrincipals({ file: dir.file, ...dir.events })
    const reloaded = dir.next('reloaded')
    await symlink(next, join(dir.path, 'swap'))
    await rename(join(dir.path, 'swap'), dir.file)
    await reloaded
    assert.equal(principals.findByAccessKey(alice.accessKeyId), undefined)
  })

  for (const [name, code, spoil] of [
    ['is no JSON', 'DOCUMENT_INVALID', (file: string) => replace(file, 'not JSON')],
    [
      'has an unknown field',
      'DOCUMENT_INVALID',
      (file: string) => replace(file, '{"version":1,"principals":[],"x":1}'),
    ],
    [
      'has a policy that is none',
      'DOCUMENT_INVALID',
      async (file: string) => {
        const document = JSON.parse(await readFile(file, 'utf8'))
        document.principals[0].policies = { own: { Version: '2012-10-17', Statement: [{ Effect: 'Alow' }] } }
        await replace(file, JSON.stringify(document))
      },
    ],
    ['may be read by others', 'PRINCIPALS_FILE_EXPOSED', (file: string) => chmod(file, 0o644)],
    ['is gone', 'PRINCIPALS_FILE_MISSING', (file: string) => unlink(file)],
  ] as const) {
    test(`keeps the last good principals when the file ${name}, says so once, and recovers`, async () => {
      await using dir = await setup()
      const alice = await addPrincipal(dir.file, { arn: ALICE })
      const good = await readFile(dir.file, 'utf8')
      await using principals = await openPrincipals({ file: dir.file, ...dir.events })
      const failed = dir.next('failed')
      await spoil(dir.file)
      const error = await failed
      assert.ok(error instanceof BrokerError)
      assert.equal(error.code, code)
      assert.equal(principals.findByAccessKey(alice.accessKeyId)?.principal.arn, ALICE)

      const reloaded = dir.next('reloaded')
      await replace(dir.file, good)
      await reloaded
      assert.equal(principals.findByAccessKey(alice.accessKeyId)?.principal.arn, ALICE)
      assert.equal(dir.seen.filter((event) => event === 'failed').length, 1)
    })

    test(`does not open a file that ${name}`, async () => {
      await using dir = await setup()
      await addPrincipal(dir.file, { arn: ALICE })
      await spoil(dir.file)
      await assert.rejects(openPrincipals({ file: dir.file, ...dir.events }), { code })
    })
  }

  test('reads the file again when no descriptor was free for it, so that a revoked key ends', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    using child = openWithoutDescriptors(dir.file, alice.accessKeyId)
    await child.says('full true')
    await changeAccessKey(dir.file, ALICE, { id: alice.accessKeyId, to: 'Inactive' })
    await child.says('failed EMFILE true')
    child.free()
    await child.says('reloaded false')
    assert.deepEqual(child.said, ['full true', 'failed EMFILE true', 'reloaded false'])
  })

  test('does not open a directory', async () => {
    await using dir = await setup()
    await chmod(dir.path, 0o700)
    await assert.rejects(openPrincipals({ file: dir.path, ...dir.events }), { code: 'DOCUMENT_INVALID' })
  })

  test('sees nothing any more once it is closed', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    const closed = await openPrincipals({ file: dir.file, ...dir.events })
    await closed[Symbol.asyncDispose]()
    // A second one tells when the change would have been seen.
    await using other = await setup()
    await using _ = await openPrincipals({ file: dir.file, ...other.events })
    const reloaded = other.next('reloaded')
    const bob = await addPrincipal(dir.file, { arn: BOB })
    await reloaded
    assert.equal(closed.findByAccessKey(bob.accessKeyId), undefined)
    assert.deepEqual(dir.seen, [])
  })
})

const ALICE = 'arn:aws:iam::000000000000:user/alice'
const BOB = 'arn:aws:iam::000000000000:user/bob'
const CAROL = 'arn:aws:iam::000000000000:user/carol'
const EMPTY = '{"version":1,"principals":[]}'

/** Atomically, as editors and deployment tools do. */
async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/**
 * A process of few descriptors that opens the file, takes all that are left, and gives them back when told to. It says what
 * happens to it, with whether the access key is in force.
 */
function openWithoutDescriptors(file: string, accessKeyId: string) {
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { openPrincipals } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const say = (what) => process.stdout.write(what + ' ' + (principals.findByAccessKey('${accessKeyId}') !== undefined) + '\\n')
    const principals = await openPrincipals({
      file: ${JSON.stringify(file)},
      onReloadFailure: (error) => say('failed ' + error.code),
      onReload: () => say('reloaded'),
    })
    const held = []
    process.stdin.once('data', () => held.splice(0).forEach(closeSync))
    try {
      for (;;) held.push(openSync('/dev/null'))
    } catch (error) {
      if (error.code !== 'EMFILE') throw error
    }
    say('full')`
  const command = ['-c', 'ulimit -n 64 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script]
  const child = spawn('/bin/sh', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const said: string[] = []
  const heard = new EventEmitter()
  createInterface(child.stdout).on('line', (line) => {
    said.push(line)
    heard.emit(line)
  })
  return {
    said,
    says: async (line: string) => said.includes(line) || once(heard, line, { signal: AbortSignal.timeout(10_000) }),
    free: () => child.stdin.write('free'),
    [Symbol.dispose]: () => child.kill(),
  }
}

type Event = 'reloaded' | 'failed'

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'principals-'))
  const seen: Event[] = []
  const waiting = new Map<Event, (error?: unknown) => void>()
  const saw = (event: Event, error?: unknown): void => {
    seen.push(event)
    waiting.get(event)?.(error)
    waiting.delete(event)
  }
  return {
    path,
    file: join(path, 'principals.json'),
    seen,
    events: {
      onReload: () => saw('reloaded'),
      onReloadFailure: (error: unknown) => saw('failed', error),
    },
    next: (event: Event) => new Promise<unknown>((resolve) => waiting.set(event, resolve)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
