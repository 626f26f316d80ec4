import { attempt } from '../host/program.ts';

/** Proxies for downloads: `http` and `https` are URLs, `direct` are hosts that are asked without one. */
export type Proxies = {
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly direct: readonly string[];
};

/** The proxy lines of the host's own apt configuration, as lines of an apt.conf. */
export async function hostProxySettings(): Promise<string[]> {
  const { stdout } = await attempt(['apt-config', 'dump', '--no-empty', '--format', '%F "%v";%n', 'Acquire']);
  return stdout.split('\n').filter((line) => /^Acquire::https?::(Proxy|Proxy-Auto-Detect)\b/i.test(line));
}

/** The proxies of the host's apt configuration, else those of the environment. */
export async function hostProxies(): Promise<Proxies> {
  return parseProxies(await hostProxySettings(), process.env);
}

export function parseProxies(
  settings: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Proxies {
  const values = settings.map((line) => /^Acquire::(https?)::Proxy(?:::(\S+))? "(.*)";$/i.exec(line));
  const whole = (scheme: string) =>
    values.find((match) => match?.[1]?.toLowerCase() === scheme && match[2] === undefined)?.[3];
  const pick = (value: string | undefined) =>
    value === undefined || /^(DIRECT|false)?$/i.test(value) ? undefined : value;
  const hosts = values.flatMap((match) =>
    match?.[2] !== undefined && match[3] === 'DIRECT' ? [match[2]] : [],
  );
  const excepted = (environment.no_proxy ?? '').split(',').map((host) => host.trim());
  return {
    http: pick(whole('http') ?? environment.http_proxy),
    https: pick(whole('https') ?? environment.https_proxy ?? whole('http')),
    direct: [...hosts, ...excepted.filter(Boolean)],
  };
}

/** What apt reads of proxies in the environment. */
export function proxyVariables(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
