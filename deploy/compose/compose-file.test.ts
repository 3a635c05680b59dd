import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'

interface Service {
  image: string
  user?: string
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  secrets?: string[]
  healthcheck?: { test: string[]; interval: string; timeout: string }
  cap_drop?: string[]
  read_only?: boolean
  security_opt?: string[]
  init?: boolean
}

const root = join(import.meta.dirname, '..', '..')
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
// testcontainers reads compose files with it, so it is here without a dependency of ours.
const { parse } = createRequire(import.meta.resolve('testcontainers'))('yaml') as {
  parse(text: string, options: { merge: boolean }): unknown
}
const file = parse(text, { merge: true }) as {
  name?: string
  version?: string
  services: Record<string, Service>
  secrets: Record<string, { file: string }>
}
const services = Object.entries(file.services)

suite('docker-compose.yml', () => {
  test('has two gateways, two workers and what they need', () => {
    const names = ['delivery', 'delivery-2', 'gateway', 'gateway-2', 'grafana', 'kms', 'prometheus', 'redis']
    assert.deepEqual(services.map(([name]) => name).toSorted(), names)
  })

  test('keeps to what docker-compose 1.29 and Compose v2 both take', () => {
    // 1.29 refuses a name, v2 warns of a version.
    assert.equal(file.name, undefined)
    assert.equal(file.version, undefined)
    // 1.29 refuses it, though it would let checks come sooner while a container starts.
    assert.doesNotMatch(text, /start_interval/)
  })

  for (const [name, service] of services) {
    test(`${name} is published on loopback alone`, () => {
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:\$\{\w+:-\d+\}:\d+$/)
    })

    test(`${name} has a health check and an init`, () => {
      assert.ok((service.healthcheck?.test.length ?? 0) > 1)
      assert.equal(service.init, true)
    })

    test(`${name} spends little on being looked at`, () => {
      const { test: check = [], interval = '', timeout = '' } = service.healthcheck ?? {}
      const seconds = Number(/^(\d+)s$/.exec(interval)?.[1])
      // Node takes 0.16 s of a core to start and ask: five containers that do so every 5 s would take a sixth of one for good.
      assert.ok(seconds >= (check.includes('node') ? 15 : 5), `${interval} between checks`)
      assert.ok(Number(/^(\d+)s$/.exec(timeout)?.[1]) <= seconds)
    })

    test(`${name} runs as a user that is told, without capabilities, on a root file system it cannot write`, () => {
      assert.match(service.user ?? '', /^\$\{SEALCAST_UID:\?.*\}:\$\{SEALCAST_GID:\?\}$/)
      assert.deepEqual(service.cap_drop, ['ALL'])
      assert.equal(service.read_only, true)
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    })

    test(`${name} has no secret in its environment or command`, () => {
      for (const [variable, value] of Object.entries(service.environment ?? {})) {
        if (/PASSWORD|SECRET|KEY|TOKEN|REDIS_URL/.test(variable) && !/SECONDS$/.test(variable)) {
          assert.match(value, /^\/run\//, `${variable} must be a path`)
        }
        assert.doesNotMatch(value, /\$\{\w*(PASSWORD|SECRET|TOKEN)/)
      }
      assert.doesNotMatch((service.command ?? []).join(' '), /requirepass|password=/)
    })

    test(`${name} mounts no folder that holds the key of the CA, and writes to data/ alone`, () => {
      for (const volume of service.volumes ?? []) {
        assert.match(
          volume,
          /^(\$\{SEALCAST_COMPOSE_HOME:\?\}\/((tls-gateway|tls-kms|secrets|principals):\S+:ro|data\/\w+:\S+)|\.\/deploy\/\S+:ro)$/,
        )
      }
    })

    test(`${name} uses secrets that are files of the data directory`, () => {
      for (const secret of service.secrets ?? []) {
        assert.match(file.secrets[secret]?.file ?? '', /^\$\{SEALCAST_COMPOSE_HOME:\?\}\/[\w./]+$/)
      }
    })
  }

  test('starts programs of ours that are there', () => {
    for (const [, { command = [], healthcheck }] of services) {
      for (const word of [...command, ...(healthcheck?.test ?? [])]) {
        if (word.endsWith('.ts')) assert.ok(existsSync(join(root, word)), word)
      }
    }
  })

  test('is scraped whole: Prometheus knows each process of ours by the port of its metrics', () => {
    const targets = readFileSync(join(root, 'deploy/prometheus/prometheus.yml'), 'utf8')
    for (const [name, { environment }] of services) {
      const port = environment?.SEALCAST_METRICS_PORT
      if (port !== undefined) assert.match(targets, new RegExp(`\\b${name}:${port}\\b`))
    }
  })
})

suite('deploy/Dockerfile', () => {
  const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')

  test('ends as a user that is not root, by number', () => {
    const user = [...dockerfile.matchAll(/^USER (\S+)$/gm)].at(-1)?.[1]
    assert.match(user ?? '', /^[1-9]\d*:[1-9]\d*$/)
  })

  test('installs what the services need and nothing for development', () => {
    assert.match(dockerfile, /npm ci --omit=dev --ignore-scripts/)
  })
})
