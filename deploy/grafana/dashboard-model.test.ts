import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import * as units from '@grafana/grafana-foundation-sdk/units'
import { readsOf } from './metric-names.ts'

interface Target {
  readonly refId: string
  readonly expr: string
  readonly legendFormat: string
  readonly datasource: unknown
  readonly instant: boolean
  readonly range: boolean
  readonly format?: string
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: unknown
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly interval?: string
  readonly links?: readonly { readonly url: string }[]
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string
      readonly thresholds?: { readonly steps: readonly { value: number | null }[] }
    }
  }
  readonly options: Record<string, unknown> & { readonly reduceOptions?: { readonly calcs: readonly string[] } }
  readonly transformations?: readonly { readonly id: string; readonly options: { readonly renameByName?: object } }[]
}

interface Dashboard {
  readonly uid: string
  readonly id?: unknown
  readonly title: string
  readonly description: string
  readonly schemaVersion: number
  readonly tags: readonly string[]
  readonly panels: readonly Panel[]
  readonly links: readonly { readonly type: string; readonly tags: readonly string[]; readonly placement?: string }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[]
  }
}

const DATASOURCE = { type: 'prometheus', uid: '$'.concat('{datasource}') }
const UNITS = new Set<unknown>(Object.values(units))
const COLUMNS = 24

const folder = join(import.meta.dirname, 'dashboards')
const dashboards = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Dashboard)

suite('each dashboard', () => {
  test('has a uid and a title of its own, and says what it answers', () => {
    for (const { uid, id, description, tags, schemaVersion } of dashboards) {
      assert.match(uid, /^sealcast-[a-z-]{3,31}$/)
      // Numbers are of one Grafana alone.
      assert.equal(id, undefined, uid)
      assert.match(description, /\?$/)
      assert.ok(tags.includes('sealcast'), uid)
      // Of the SDK: Grafana 12's. Grafana takes older and newer ones as they are.
      assert.equal(schemaVersion, 42, uid)
    }
    for (const key of ['uid', 'title'] as const) {
      assert.equal(new Set(dashboards.map((each) => each[key])).size, dashboards.length)
    }
  })

  test('asks the data source of its variable, and names no other', () => {
    for (const dashboard of dashboards) {
      const variable = dashboard.templating.list.find(({ name }) => name === 'datasource')
      assert.deepEqual([variable?.type, variable?.query], ['datasource', 'prometheus'])
      const uids = [...JSON.stringify(dashboard).matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid)
      assert.deepEqual([...new Set(uids)].sort(), [DATASOURCE.uid, dashboard.uid].sort())
    }
  })

  test('leads to the others, at its top and from panels', () => {
    const uids = new Set(dashboards.map(({ uid }) => uid))
    for (const { uid, links, panels } of dashboards) {
      assert.deepEqual(
        links.map(({ type, tags, placement }) => ({ type, tags, placement })),
        [{ type: 'dashboards', tags: ['sealcast'], placement: undefined }],
      )
      for (const { title, links: next = [] } of panels) {
        for (const { url } of next) {
          const to = /^\/d\/([^?]+)\?/.exec(url)?.[1] ?? ''
          assert.ok(uids.has(to) && to !== uid, `${title}: ${url}`)
        }
      }
    }
  })

  test('places its panels on the grid: none over another, no hole between them', () => {
    for (const { uid, panels } of dashboards) {
      const taken = new Map<string, string>()
      for (const { title, gridPos } of panels) {
        const { x, y, w, h } = gridPos
        assert.ok(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= COLUMNS, `${uid}: ${title}`)
        for (let row = y; row < y + h; row++) {
          for (let column = x; column < x + w; column++) {
            const cell = `${column} ${row}`
            assert.equal(taken.get(cell), undefined, `${uid}: ${title} lies over ${taken.get(cell)}`)
            taken.set(cell, title)
          }
        }
      }
      // Grafana would let what is below float up into a hole.
      const rows = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h))
      assert.equal(taken.size, rows * COLUMNS, uid)
    }
  })

  test('numbers and names its panels once', () => {
    for (const { uid, panels } of dashboards) {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, uid)
      const titles = panels.filter(({ type }) => type !== 'row').map(({ title }) => title)
      assert.equal(new Set(titles).size, titles.length, uid)
    }
  })
})

suite('each panel', () => {
  const panels = dashboards.flatMap(({ uid, panels }) =>
    panels.map((panel) => ({ place: `${uid}: ${panel.title}`, panel })),
  )
  const asking = panels.filter(({ panel }) => !['row', 'text'].includes(panel.type))

  test('is of a kind that comes with Grafana', () => {
    const kinds = new Set(panels.map(({ panel }) => panel.type))
    assert.deepEqual([...kinds].sort(), ['bargauge', 'heatmap', 'row', 'stat', 'table', 'text', 'timeseries'])
  })

  test('says what it means and what to do, and has a unit', () => {
    for (const { place, panel } of asking) {
      assert.match(panel.description ?? '', /^.{20,}\n\n\*\*What to do:\*\* .{10,}$/s, place)
      assert.ok(UNITS.has(panel.fieldConfig?.defaults.unit), place)
      assert.equal(panel.interval, '15s', place)
    }
  })

  test('asks its data source something, each query under a letter of its own and with a legend', () => {
    for (const { place, panel } of asking) {
      const { targets = [] } = panel
      assert.deepEqual(panel.datasource, DATASOURCE, place)
      assert.deepEqual(
        targets.map(({ refId }) => refId),
        [...'ABCDEFGH'].slice(0, Math.max(1, targets.length)),
        place,
      )
      for (const target of targets) {
        assert.deepEqual(target.datasource, DATASOURCE, place)
        assert.notEqual(target.legendFormat, '', place)
        assert.notEqual(target.instant, target.range, place)
      }
    }
  })

  test('asks once, at the end, for what is about the whole range, for tables and for bars', () => {
    for (const { place, panel } of asking) {
      for (const { expr, instant, format = 'time_series' } of panel.targets ?? []) {
        if (expr.includes('$__range')) assert.equal(instant, true, place)
        assert.equal(instant && format === 'table', panel.type === 'table', place)
        assert.equal(format === 'heatmap', panel.type === 'heatmap', place)
        if (panel.type === 'bargauge') assert.equal(instant, true, place)
      }
    }
  })

  test('names series by labels that its expression keeps', () => {
    for (const { place, panel } of asking) {
      for (const { expr, legendFormat } of panel.targets ?? []) {
        const { grouped, metrics } = readsOf(expr)
        // Recording rules keep what their name says; without aggregation every label is kept.
        if (
          grouped.size === 0 &&
          (metrics.some((name) => name.includes(':')) || !/\b(sum|max|min|avg|count)\b/.test(expr))
        )
          continue
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert.ok(grouped.has(label), `${place}: ${legendFormat} of ${expr}`)
        }
      }
    }
  })

  test('shows one value a series, where it shows numbers', () => {
    for (const { place, panel } of asking.filter(({ panel }) => ['stat', 'bargauge'].includes(panel.type))) {
      assert.deepEqual(panel.options.reduceOptions?.calcs, ['lastNotNull'], place)
      const steps = panel.fieldConfig?.defaults.thresholds?.steps ?? []
      // The first holds for all that is less; the others rise.
      assert.equal(steps[0]?.value, null, place)
      const values = steps.slice(1).map(({ value }) => value ?? Number.NaN)
      assert.deepEqual(
        values,
        [...values].sort((a, b) => a - b),
        place,
      )
    }
  })

  test('joins and names the columns of a table', () => {
    for (const { place, panel } of asking.filter(({ panel }) => panel.type === 'table')) {
      assert.deepEqual(
        panel.transformations?.map(({ id }) => id),
        ['merge', 'organize'],
        place,
      )
      const grouped = new Set(panel.targets?.flatMap(({ expr }) => [...readsOf(expr).grouped]))
      const names = Object.keys(panel.transformations?.[1]?.options.renameByName ?? {})
      const labels = names.filter((name) => !name.startsWith('Value'))
      assert.deepEqual(labels.sort(), [...grouped].filter((label) => label !== 'le').sort(), place)
      assert.equal(names.length - labels.length, panel.targets?.length, place)
    }
  })
})
