import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { dashboardFiles } from './dashboards.ts'

const folder = join(import.meta.dirname, 'dashboards')

suite('dashboardFiles()', () => {
  test('are what is committed; npm run dashboards writes them', () => {
    const files = dashboardFiles()
    assert.deepEqual(readdirSync(folder).sort(), files.map(({ name }) => name).sort())
    for (const { name, json } of files) assert.equal(readFileSync(join(folder, name), 'utf8'), json, name)
  })

  test('are the same whenever they are built', () => {
    assert.deepEqual(dashboardFiles(), dashboardFiles())
  })
})
