/** Runs dependency-cruiser with our rules over a tree that looks like the project's. */

import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { IMPORT_RULES } from './import-rules.ts'

export interface Cruised {
  modules: number
  violations: readonly { rule: string; from: string; to: string }[]
}

/** @param root holds services/, shared/, deploy/, loadtest/ and a package.json with the `#shared/*` alias */
export async function cruiseImports(root: string): Promise<Cruised> {
  const { output } = await cruise(
    ['services', 'shared', 'deploy', 'loadtest'],
    {
      baseDir: root,
      ruleSet: { forbidden: [...IMPORT_RULES] },
      validate: true,
      // A function that is called require is no import.
      moduleSystems: ['es6'],
      // Type imports are arrows too.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '^deploy/check/fixtures/' },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['import', 'require', 'node', 'default', 'types'],
        extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
      },
    },
    undefined,
    { tsConfig: { options: { module: 'nodenext', moduleResolution: 'nodenext' } } },
  )
  const { summary, modules } = output as ICruiseResult
  return {
    modules: modules.filter(({ source }) => /^(services|shared|deploy|loadtest)\//.test(source)).length,
    violations: summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  }
}
