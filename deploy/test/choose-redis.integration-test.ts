import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { chooseRedis } from './choose-redis.ts'

suite('chooseRedis()', () => {
  test('does as it is told, and refuses what it does not know', async () => {
    for (const wish of ['container', 'process'] as const) {
      assert.equal((await chooseRedis(wish, undefined)).from, wish)
    }
    await assert.rejects(chooseRedis('docker', undefined))
  })

  test('takes containers where an engine of this machine answers and has the image', async (t) => {
    const engine = await startEngine(t, { images: true })
    assert.equal((await chooseRedis('auto', engine, 'linux')).from, 'container')
    assert.equal((await chooseRedis(undefined, engine, 'linux')).from, 'container')
    assert.equal((await chooseRedis(undefined, engine, 'darwin')).from, 'process')
  })

  test('takes processes where there is no image, no engine, or one elsewhere or dumb, and says why', async (t) => {
    const engine = await startEngine(t, { images: false })
    const dumb = await startEngine(t, { images: true, answers: false })
    for (const [dockerHost, why] of [
      [engine, /has no redis/],
      [dumb, /no Docker engine answers/],
      ['unix:///nowhere/docker.sock', /no Docker engine answers/],
      ['tcp://192.0.2.1:2375', /another machine/],
    ] as const) {
      const { from, text } = await chooseRedis('auto', dockerHost, 'linux')
      assert.equal(from, 'process')
      assert.match(text, why)
    }
  })
})

/** What answers as an engine does, on a socket of its own. */
async function startEngine(t: TestContext, o: { images: boolean; answers?: boolean }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealcast-engine-'))
  const server = createServer((request, response) => {
    if (o.answers === false) return
    const isThere = request.url === '/_ping' || o.images
    response.writeHead(isThere ? 200 : 404).end()
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'docker.sock'), resolve))
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  return `unix://${join(folder, 'docker.sock')}`
}
