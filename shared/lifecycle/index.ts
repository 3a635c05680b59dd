export { keepInspectorShut } from './keep-inspector-shut.ts'
export { notifyReady } from './notify-ready.ts'
export { reportCrashes } from './report-crashes.ts'
export { shutdownSignal } from './shutdown-signal.ts'
