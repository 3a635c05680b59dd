/** `npm run dashboards`: writes the dashboards' JSON anew. A test fails as long as what is committed differs. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { dashboardFiles } from './dashboards.ts'

for (const { name, json } of dashboardFiles()) {
  const file = join('deploy', 'grafana', 'dashboards', name)
  writeFileSync(join(import.meta.dirname, 'dashboards', name), json)
  process.stdout.write(`${file}\n`)
}
