import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { nodeOptionsOf } from './node-options.ts'

const root = join(import.meta.dirname, '..', '..')

suite('nodeOptionsOf()', () => {
  for (const [file, starts] of [
    ['docker-compose.yml', /command: \[node, (.*)\]/g],
    ['deploy/Dockerfile', /CMD \["node", (.*)\]/g],
  ] as const) {
    test(`is what ${file} gives Node`, () => {
      const commands = [...readFileSync(join(root, file), 'utf8').matchAll(starts)].map(([, args = '']) =>
        args.replaceAll('"', '').split(', '),
      )
      const ofMessages = commands.filter((args) => /^services\/(gateway|delivery)\/main\.ts$/.test(args.at(-1) ?? ''))
      assert.ok(ofMessages.length > 0)
      for (const args of ofMessages) {
        const [, service = ''] = args.at(-1)?.split('/') ?? []
        assert.deepEqual(args.slice(0, -1), nodeOptionsOf(service))
      }
    })
  }

  test('are options that Node knows', () => {
    for (const service of ['gateway', 'delivery', 'kms']) {
      const { status } = spawnSync(process.execPath, [...nodeOptionsOf(service), '--eval', ''])
      assert.equal(status, 0, service)
    }
  })
})
