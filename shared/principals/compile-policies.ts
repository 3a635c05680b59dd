/** Policy documents of the file, compiled once and kept while their text stays as it is. */

import { type CompiledPolicy, compilePolicy } from '#shared/policy'

type PolicyKind = 'identity' | 'trust'

export interface PolicyCompiler {
  /** Of each kind and text, what was made of it. */
  readonly compiled: ReadonlyMap<string, CompiledPolicy>
  /** @throws {MalformedPolicyError} */
  compile(text: string, kind: PolicyKind): CompiledPolicy
}

/** @param former of the last reading: what it compiled is taken over, and what is gone from the file forgotten */
export function createPolicyCompiler(former?: PolicyCompiler): PolicyCompiler {
  const compiled = new Map<string, CompiledPolicy>()
  return {
    compiled,
    compile(text, kind) {
      const key = `${kind} ${text}`
      const policy = compiled.get(key) ?? former?.compiled.get(key) ?? compilePolicy(text, { kind })
      compiled.set(key, policy)
      return policy
    },
  }
}
