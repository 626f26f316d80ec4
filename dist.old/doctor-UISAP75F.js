import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);
import {
  findProgram
} from "./chunk-O77OWW7N.js";
import {
  table
} from "./chunk-S62MGVE5.js";
import {
  findProject
} from "./chunk-GEQQK4VD.js";
import {
  processBound
} from "./chunk-XYS7EDNB.js";
import "./chunk-TH3CEDQX.js";
import {
  size
} from "./chunk-PL7MILUG.js";
import {
  ownFile
} from "./chunk-UW3ZN2PS.js";
import {
  print,
  printJson,
  reporting,
  say
} from "./chunk-5MAKWUIE.js";
import "./chunk-PNTIWC4A.js";
import "./chunk-STE4WAD5.js";
import {
  attempt
} from "./chunk-2JN5UEQO.js";
import {
  errno
} from "./chunk-LVCJS3W4.js";

// src/commands/doctor.ts
import { join as join2, resolve } from "node:path";

// src/commands/probe.ts
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync
} from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
var PACKAGE_LIST = ownFile("bin/debian-packages");
var LEAST_SPACE = 4 * 1024 ** 3;
async function probeHost(place) {
  const packages = debianPackages(readFileSync(PACKAGE_LIST, "utf8")).filter(({ level }) => level !== "test");
  return [
    nodeVersion(process.versions.node),
    linuxVersion(release()),
    root(),
    ...packages.map(program),
    ...await mirrors(),
    space(place),
    processLimit(),
    ...await inScratch(place)
  ];
}
function debianPackages(text) {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [name = "", level = "", shownBy = "", ...purpose] = line.split(/ +/);
    return { name, level, shownBy, purpose: purpose.join(" ") };
  });
}
function linuxVersion(version) {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const enough = major > 5 || major === 5 && minor >= 11;
  const finding = { name: "linux", found: version };
  return enough ? { ...finding, verdict: "ok" } : {
    ...finding,
    verdict: "missing",
    mend: "install a kernel from 5.11 on: apt-get install linux-image-amd64"
  };
}
function nodeVersion(version) {
  const finding = { name: "node", found: version };
  return Number.parseInt(version, 10) >= 24 ? { ...finding, verdict: "ok" } : { ...finding, verdict: "missing", mend: "npm ci" };
}
function root() {
  if (isRoot()) return { name: "root", verdict: "ok", found: "yes" };
  if (findProgram("sudo")) return { name: "root", verdict: "ok", found: "through sudo" };
  return { name: "root", verdict: "missing", found: "no, and no sudo", mend: 'su -c "apt-get install sudo"' };
}
function program({ name, level, shownBy, purpose }) {
  const path = shownBy.startsWith("/") ? existing(shownBy) : findProgram(shownBy);
  if (path !== void 0) return { name, verdict: "ok", found: path };
  return {
    name,
    verdict: level === "extra" ? "absent" : "missing",
    found: `for: ${purpose}`,
    mend: `apt-get install ${name}`
  };
}
async function mirrors() {
  const format = "$(REPO_URI) $(CODENAME)";
  const mend = "add a mirror to /etc/apt/sources.list, or to the conf; then: apt-get update";
  try {
    const command = ["apt-get", "indextargets", "--format", format, "Created-By: Packages"];
    const { stdout } = await attempt(command);
    const found = [...new Set(stdout.split("\n").filter((line) => line !== ""))];
    if (found.length > 0) return found.map((mirror) => ({ name: "mirror", verdict: "ok", found: mirror }));
    return [{ name: "mirror", verdict: "missing", found: "none in the host's apt sources", mend }];
  } catch {
    return [{ name: "mirror", verdict: "missing", found: "apt-get does not answer", mend }];
  }
}
function space(place) {
  const { bavail, bsize } = statfsSync(nearestFolder(place));
  const free = bavail * bsize;
  const finding = { name: "space", found: `${size(free)} free in ${nearestFolder(place)}` };
  if (free >= LEAST_SPACE) return { ...finding, verdict: "ok" };
  return { ...finding, verdict: "missing", mend: `make room: ${size(LEAST_SPACE)} at the least` };
}
function processLimit() {
  const name = "process limit";
  const bound = processBound();
  if (bound === "cgroup") return { name, verdict: "ok", found: "by control groups" };
  if (bound === "namespace") return { name, verdict: "ok", found: "by a namespace of process numbers" };
  const mend = "mount -t cgroup2 none /sys/fs/cgroup && echo +pids >/sys/fs/cgroup/cgroup.subtree_control";
  return {
    name,
    verdict: "absent",
    found: "none: a scriptlet that forks without end stops this machine",
    mend
  };
}
async function inScratch(place) {
  let scratch;
  try {
    scratch = mkdtempSync(join(nearestFolder(place), ".snap-doctor-"));
  } catch (error) {
    const finding = { name: "store", found: `cannot write to ${nearestFolder(place)}: ${errno(error)}` };
    if (!isRoot()) return [{ ...finding, verdict: "unknown", mend: "sudo snap doctor" }];
    return [{ ...finding, verdict: "missing", mend: `mount -o remount,rw ${nearestFolder(place)}` }];
  }
  try {
    return [hardLinks(scratch), await overlay(scratch), await sandbox()];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
function hardLinks(scratch) {
  const name = "hard links";
  try {
    writeFileSync(join(scratch, "one"), "");
    linkSync(join(scratch, "one"), join(scratch, "two"));
    return { name, verdict: "ok", found: "work" };
  } catch (error) {
    return {
      name,
      verdict: "missing",
      found: `do not work here: ${errno(error)}`,
      mend: "move the project to ext4, xfs or btrfs"
    };
  }
}
var OVERLAY_SCRIPT = `set -e
cd "$1"
mkdir -p lower/d upper work merged
: > lower/d/old
for turn in 1 2; do
  mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,index=off,redirect_dir=off,metacopy=off merged
  if [ "$turn" = 1 ]; then rm -r merged/d; mkdir merged/d; fi
  test ! -e merged/d/old
  umount merged
done
`;
async function overlay(scratch) {
  const name = "namespaces, overlay";
  if (!isRoot()) return { name, verdict: "unknown", found: "only root can try", mend: "sudo snap doctor" };
  const folder = join(scratch, "overlay");
  mkdirSync(folder);
  const command = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child"];
  return tried(name, [...command, "sh", "-c", OVERLAY_SCRIPT, "sh", folder]);
}
async function sandbox() {
  const name = "sandbox";
  if (!findProgram("bwrap")) {
    return { name, verdict: "missing", found: "no bwrap", mend: "apt-get install bubblewrap" };
  }
  if (!isRoot()) return { name, verdict: "unknown", found: "only root can try", mend: "sudo snap doctor" };
  return tried(name, ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "true"]);
}
async function tried(name, command) {
  const mend = "run snap on the machine itself, or in a container with all rights and its store in a volume";
  try {
    const { exitCode, stderr } = await attempt(command);
    if (exitCode === 0) return { name, verdict: "ok", found: "work" };
    return { name, verdict: "missing", found: stderr.trim().split("\n").at(-1) ?? "", mend };
  } catch (error) {
    return { name, verdict: "missing", found: error instanceof Error ? error.message : String(error), mend };
  }
}
function isRoot() {
  return process.getuid?.() === 0;
}
function nearestFolder(path) {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}
function existing(path) {
  return existsSync(path) ? path : void 0;
}

// src/commands/doctor.ts
var doctorCommand = (session, _args, options) => reporting(options.json === true, async () => {
  const folder = resolve(session.folder ?? ".");
  const findings = await probeHost(join2(findProject(folder) ?? folder, "store"));
  const ready = findings.every(({ verdict }) => verdict !== "missing");
  if (options.json) printJson({ ready, findings });
  else printFindings(findings, ready);
  return ready ? 0 : 1;
});
function printFindings(findings, ready) {
  const rows = findings.map(({ name, verdict, found, mend }) => [name, verdict, found, mend ?? ""]);
  const layout = [{ title: "what" }, { title: "state" }, { title: "found" }, { title: "mend" }];
  for (const line of table(layout, rows)) print(line);
  say(ready ? "Nothing that a build needs is missing" : "A build needs what is missing here");
}
export {
  doctorCommand
};
