import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const provisioning = (file: string) => read(join('deploy', 'grafana', 'provisioning', file))

suite('provisioning', () => {
  test('looks for dashboards where docker-compose.yml puts them', () => {
    const path = settingOf('path', provisioning('dashboards/sealcast.yml'))
    const compose = read('docker-compose.yml')
    assert.ok(compose.includes(`./deploy/grafana/dashboards:${path}:ro`), path)
    assert.ok(compose.includes('./deploy/grafana/provisioning:/etc/grafana/provisioning:ro'))
  })

  test('names the Prometheus of docker-compose.yml, as the kind that dashboards choose from', () => {
    const datasource = provisioning('datasources/prometheus.yml')
    assert.equal(settingOf('type', datasource), 'prometheus')
    assert.equal(settingOf('url', datasource), 'http://prometheus:9090')
    assert.match(read('docker-compose.yml'), /^ {2}prometheus:$/m)
  })

  test('tells Grafana how often Prometheus scrapes, or rates would be of windows too short', () => {
    assert.equal(
      settingOf('timeInterval', provisioning('datasources/prometheus.yml')),
      settingOf('scrape_interval', read('deploy/prometheus/prometheus.yml')),
    )
  })
})

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Of the first line with that key. */
function settingOf(key: string, yaml: string): string | undefined {
  return new RegExp(`^\\s*${key}: (\\S+)$`, 'm').exec(yaml)?.[1]
}
