import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { nodeOptionsOf } from './node-options.ts'

const root = join(import.meta.dirname, '..', '..')

suite('nodeOptionsOf()', () => {
  for (const [file, starts, services] of [
    ['docker-compose.yml', /command: \[node, (.*)\]/g, ['gateway', 'delivery']],
    ['deploy/Dockerfile', /CMD \["node", (.*)\]/g, ['gateway']],
  ] as const) {
    test(`is what ${file} gives Node`, () => {
      const commands = [...readFileSync(join(root, file), 'utf8').matchAll(starts)].map(([, args = '']) =>
        args.replaceAll('"', '').split(', '),
      )
      const ofMessages = commands.filter((args) => /^services\/(gateway|delivery)\/main\.ts$/.test(args.at(-1) ?? ''))
      assert.deepEqual(
        ofMessages,
        services.map((service) => [...nodeOptionsOf(service), `services/${service}/main.ts`]),
      )
    })
  }

  test('are options that Node knows', () => {
    for (const service of ['gateway', 'delivery', 'kms']) {
      const { status } = spawnSync(process.execPath, [...nodeOptionsOf(service), '--eval', ''])
      assert.equal(status, 0, service)
    }
  })
})
