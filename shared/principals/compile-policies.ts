/** Policy documents of the file, compiled once and kept while their text stays as it is. */

/** What `#shared/policy` makes of a document. */
export interface CompiledPolicy {
  readonly text: string
}

export type CompilePolicy = (document: object, kind: 'identity' | 'resource') => CompiledPolicy

export function createPolicyCompiler(): CompilePolicy {
  return (document) => ({ text: JSON.stringify(document) })
}
