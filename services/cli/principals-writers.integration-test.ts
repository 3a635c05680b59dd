/** Many commands at once on one principals file, each a process: none loses what another wrote. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { addPrincipal, listPrincipals } from '#shared/principals'

suite('sealcast principals, several processes at once', () => {
  test('lose no change of each other, of whatever kind', async () => {
    await using home = await setup()
    const { file } = home
    const gone = await addPrincipal(file, { arn: `${USER}gone` })
    const kept = await addPrincipal(file, { arn: `${USER}kept` })
    const changes = [
      ['add', '--user', 'one', '--administrator'],
      ['add', '--service', 's3.amazonaws.com'],
      ['remove', '--user', 'gone'],
      ['rotate', '--user', 'kept'],
      ['set', '--user', 'kept', '--tag', 'team=a'],
      ['policy', 'put', 'own', '--user', 'kept'],
      ['organization', '000000000000', 'o-abcdefghij'],
    ]
    assert.deepEqual(
      await Promise.all(changes.map((words) => home.run(words))),
      changes.map(() => 0),
    )
    const listed = await listPrincipals(file)
    assert.deepEqual(listed.map(({ arn, service }) => arn ?? service).sort(), [
      `${USER}kept`,
      `${USER}one`,
      's3.amazonaws.com',
    ])
    const after = listed.find(({ arn }) => arn === kept.arn)
    assert.equal(after?.accessKeys.length, 2)
    assert.deepEqual([after.policies, after.tags, after.organizationId], [['own'], { team: 'a' }, 'o-abcdefghij'])
    assert.ok(!JSON.stringify(listed).includes(gone.accessKeyId))
    assert.deepEqual(await readdir(home.path), ['principals.json'])
  })

  test('give one principal one second key, whoever comes first', async () => {
    await using home = await setup()
    await addPrincipal(home.file, { arn: `${USER}kept` })
    const codes = await Promise.all(Array.from({ length: 4 }, () => home.run(['rotate', '--user', 'kept'])))
    assert.deepEqual(codes.sort(), [0, 2, 2, 2])
    assert.equal((await listPrincipals(home.file))[0]?.accessKeys.length, 2)
  })
})

const USER = 'arn:aws:iam::000000000000:user/'
const MAIN = join(import.meta.dirname, 'main.ts')
const POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}'

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'writers-'))
  return {
    path,
    file: join(path, 'principals.json'),
    /** @returns the exit code */
    run: (words: readonly string[]) =>
      new Promise<number>((resolve) => {
        const env = { PATH: process.env.PATH ?? '', SEALCAST_HOME: path }
        const child = execFile(process.execPath, [MAIN, 'principals', ...words], { env }, (error) =>
          resolve(error === null ? 0 : Number(error.code)),
        )
        child.stdin?.end(POLICY)
      }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
