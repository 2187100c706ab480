// Who may import whom: the rules of the README's architecture part, checked by `make check`.
const pure = '^firmware/(wire|protocol|roles|dataplane/(?!worker))';
const only = (name, from, allowed, extra = {}) => ({
  name,
  severity: 'error',
  from: { path: from, ...extra },
  to: { path: '^(firmware|web-ui|test)/', pathNot: [from, ...allowed] },
});
const folder = (...names) => names.map((name) => `^firmware/${name}`);

module.exports = {
  forbidden: [
    only('wire-imports-nothing-of-ours', '^firmware/wire/', []),
    only('crypto-imports-nothing-of-ours', '^firmware/crypto/', []),
    only('protocol', '^firmware/protocol/', folder('wire/', 'crypto/')),
    only('roles', '^firmware/roles/', folder('wire/', 'crypto/', 'protocol/')),
    only('dataplane', '^firmware/dataplane/', folder('wire/', 'crypto/'), { pathNot: '^firmware/dataplane/worker\\.ts$' }),
    only('dataplane-worker-joins-linux', '^firmware/dataplane/worker\\.ts$', folder('dataplane/', 'linux/', 'wire/', 'crypto/')),
    only('linux-imports-buffers-types-alone', '^firmware/linux/', ['^firmware/dataplane/packet-batch\\.ts$']),
    only('settings-imports-nothing-of-ours', '^firmware/settings[^/]*\\.ts$', folder('settings[^/]*\\.ts$')),
    only('store', '^firmware/store/', folder('settings[^/]*\\.ts$')),
    only('control', '^firmware/control/', folder('roles/', 'protocol/', 'wire/', 'crypto/', 'store/', 'settings[^/]*\\.ts$', 'dataplane/interface\\.ts$')),
    only('api', '^firmware/api/', folder('control/', 'store/', 'settings[^/]*\\.ts$')),
    only('cli', '^firmware/cli/', folder('api/')),
    {
      name: 'cores-do-no-io',
      comment: 'In wire, protocol, roles and the forwarder there is no node: module except pure crypto.',
      severity: 'error',
      from: { path: pure },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    { name: 'cores-use-no-packages', severity: 'error', from: { path: pure }, to: { path: 'node_modules/' } },
    { name: 'koffi-in-linux-alone', severity: 'error', from: { path: '^firmware/', pathNot: '^firmware/linux/' }, to: { path: 'node_modules/koffi' } },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
  ],
  options: { tsPreCompilationDeps: true, parser: 'swc', doNotFollow: { path: 'node_modules' }, exclude: { path: '^dist' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] } },
};
