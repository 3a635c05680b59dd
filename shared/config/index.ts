export { parseDocument, type SchemaOf, schema } from './document.ts'
export { ConfigError, DocumentError } from './errors.ts'
export { type Environment, readSettings, type SettingReader } from './settings.ts'
