/**
 * The rules as texts: whether promtool's tests pass, `npm run observability -- rules` tells. Here is what promtool does not look at:
 * that each alert says what to do and is tested, and that no rule asks for a metric that nothing exports.
 */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'

const here = import.meta.dirname
const read = (pattern: string) =>
  globSync(pattern, { cwd: here }).map((file) => readFileSync(`${here}/${file}`, 'utf8'))
const rules = read('rules/*.yml').join('\n')
const tests = read('tests/*.yml').join('\n')
const runbook = read('RUNBOOK.md').join('')
const metricsTable = read('METRICS.md').join('')

/** Each from its name to the next rule. */
const blocks = rules.split(/^ {6}- (?=alert|record)/m).slice(1)
const alerts = blocks.flatMap((block) => {
  const name = /^alert: (\w+)$/m.exec(block)?.[1]
  return name === undefined ? [] : [{ name, block }]
})
const recorded = blocks.flatMap((block) => /^record: (\S+)$/m.exec(block)?.[1] ?? [])
const sections = [...runbook.matchAll(/^### (\w+)\n\S/gm)].map(([, name]) => name)

suite('deploy/prometheus/rules', () => {
  test('are alerts and figures', () => {
    assert.ok(alerts.length > 25, `${alerts.length} alerts`)
    assert.ok(recorded.length > 10, `${recorded.length} figures`)
    assert.equal(new Set([...alerts.map(({ name }) => name), ...recorded]).size, blocks.length)
  })

  for (const { name, block } of alerts) {
    test(`${name} says how bad it is, what it means and what to do, and is tested`, () => {
      assert.match(block, /^ {8}labels: \{severity: (critical|warning|info)[,}]/m)
      for (const part of ['summary', 'description', 'action']) {
        assert.match(block, new RegExp(`^ {10}${part}: ['"]?\\S`, 'm'), part)
      }
      assert.match(block, new RegExp(`^ {10}runbook: deploy/prometheus/RUNBOOK\\.md#${name.toLowerCase()}$`, 'm'))
      assert.ok(sections.includes(name), 'has a section in RUNBOOK.md')
      const firing = new RegExp(
        `ALERTS\\{alertname="${name}",alertstate="firing"|alertname: ${name}\\s+eval_time: \\S+\\s+exp_alerts:\\n`,
      )
      assert.match(tests, firing, 'a test in which it fires')
    })
  }

  for (const file of globSync('tests/*.yml', { cwd: here })) {
    // promtool takes groups in an order of chance else, and a group sees what the others had recorded an interval ago.
    test(`${file} says in which order the groups of its rules are evaluated, figures before alerts`, () => {
      const text = readFileSync(`${here}/${file}`, 'utf8')
      const listed = (key: string) => new RegExp(`^${key}: \\[(.*)\\]$`, 'm').exec(text)?.[1]?.split(', ') ?? []
      const groups = listed('rule_files').flatMap((name) =>
        [
          ...read(`tests/${name}`)
            .join('')
            .matchAll(/^ {2}- name: (\S+)$/gm),
        ].map(([, group]) => group),
      )
      assert.ok(groups.length > 0)
      assert.ok(listed('rule_files').indexOf('../rules/recording.yml') <= 0)
      assert.deepEqual(listed('group_eval_order'), groups)
    })
  }

  for (const name of recorded) {
    test(`${name} is tested`, () => assert.ok(tests.includes(`'${name}`) || tests.includes(`(${name}`)))
  }

  test('have no section in RUNBOOK.md for an alert that is none', () => {
    const names = alerts.map(({ name }) => name)
    assert.deepEqual(
      sections.filter((section) => !names.includes(section ?? '')),
      [],
    )
  })

  test('ask for metrics that some process exports', () => {
    const expressions = blocks.map((block) => /^ {8}expr: (.*\n(?: {10,}.*\n)*)/m.exec(block)?.[1] ?? '')
    const asked = new Set(expressions.flatMap((text) => text.match(/\bsealcast_[a-z_]+/g) ?? []))
    assert.ok(asked.size > 20, `${asked.size} metrics`)
    const missing = [...asked].filter((name) => !metricsTable.includes(`| \`${name}\` |`))
    assert.deepEqual(missing, [])
  })
})
