/**
 * The import rules hold in the project, and each of them is broken by its fixture: with a version of the
 * compiler it does not know, dependency-cruiser once looked at no module and reported no violation.
 */

import { basename, join } from 'node:path'
import type { CheckResult } from './check-result.ts'
import { cruiseImports } from './cruise-imports.ts'
import { IMPORT_RULES } from './import-rules.ts'

/** @param fixtures a tree in which the file `<rule>.ts` breaks that rule */
export async function checkImports(
  root: string,
  fixtures = join(import.meta.dirname, 'fixtures', 'import-rules'),
): Promise<CheckResult> {
  const project = await cruiseImports(root)
  const problems = project.violations.map(({ rule, from, to }) => `${from} imports ${to}: ${rule} (${reason(rule)})`)
  if (project.modules === 0)
    problems.push('No module was looked at: dependency-cruiser does not understand this project')

  const { violations } = await cruiseImports(fixtures)
  for (const { name = '' } of IMPORT_RULES) {
    // A cycle is reported once, from either end.
    const noticed = violations.some(
      ({ rule, from, to }) => rule === name && [from, to].some((file) => basename(file) === `${name}.ts`),
    )
    if (!noticed) problems.push(`The rule ${name} does not notice its fixture ${name}.ts in ${fixtures}`)
  }
  return { did: `${project.modules} modules, ${IMPORT_RULES.length} rules`, problems }
}

function reason(rule: string): string {
  return IMPORT_RULES.find(({ name }) => name === rule)?.comment ?? ''
}
