/* Keeps the board of the page live, finds a team's own row and follows it, and uploads.
 *
 * Works under a policy without inline script or style. Whatever a team wrote is inserted with textContent. The token
 * stays in sessionStorage and in the Authorization header; it never becomes part of an address. In a static copy
 * (no part for a team in the page) nothing is asked of any server.
 */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const table = $("ranks"), body = table.tBodies[0];
  const isLive = Boolean($("you"));
  const ZONE = document.documentElement.dataset.zone;
  const STEP = 0.05, LEFT_OF_SCALE = 0.05; // as in pages/__init__.py

  /* ---- words and numbers, as the server writes them ---- */

  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE, day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  function moment(iso) {
    if (!iso) return "–";
    const part = Object.fromEntries(clock.formatToParts(new Date(iso)).map((one) => [one.type, one.value]));
    return `${Number(part.day)} ${MONTHS[part.month - 1]} ${part.hour}:${part.minute}`;
  }
  const number = (score, digits = 1) => (100 * score).toFixed(digits);
  const percent = (score, digits = 1) => (score === null ? "–" : `${number(score, digits)}%`);
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  function duration(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    if (days > 1) return many(days, "day");
    if (hours > 1) return `${many(hours, "hour")}${hours < 6 && minutes % 60 ? ` ${minutes % 60} min` : ""}`;
    return minutes > 1 ? many(minutes, "minute") : "less than two minutes";
  }

  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "line", "rect", "circle", "path", "text"].includes(tag);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }
  const unseen = (text) => make("span", { class: "unseen" }, text);
  const seenOnly = (text) => make("span", { "aria-hidden": "true" }, text);

  /* What is put into a live region is read out; the same words again are not. */
  function say(element, text, kind = "") {
    if (element.textContent === text && element.dataset.kind === kind) return;
    element.dataset.kind = kind;
    element.classList.toggle("refused", kind === "refused");
    element.classList.toggle("good", kind === "good");
    element.textContent = text;
    element.hidden = false;
  }
  const announce = (text) => say($("announce"), text);

  /* ---- the board ---- */

  let board = null; // what /api/board last answered
  let mine = null; // own name on the board, once known
  const shown = (row, closed) => (closed ? row.private : row.score === null ? null : row);
  const rankOf = (row, closed) => (closed ? (row.private ? row.private.rank : null) : row.rank);

  function scaleOf(scores) {
    const known = scores.filter(Boolean);
    if (!known.length) return { low: 0, high: 1 };
    const lows = known.map((one) => one.low).sort((a, b) => a - b);
    let from = Math.floor(lows[Math.floor(LEFT_OF_SCALE * lows.length)] / STEP + 1e-9);
    let to = Math.max(Math.ceil(known.reduce((most, one) => Math.max(most, one.high), 0) / STEP - 1e-9), from + 2);
    to = Math.min(to, Math.round(1 / STEP));
    from = Math.min(from, to - 2);
    while (!everyOf(to - from)) from > 0 ? from-- : to++;
    return { low: Number((from * STEP).toFixed(6)), high: Number((to * STEP).toFixed(6)) };
  }
  /* How many steps lie between two ticks, so that at most five such spaces fill the scale. */
  const everyOf = (steps) => [1, 2, 3, 4].find((n) => steps % n === 0 && steps / n <= 5);
  function ticksOf(scale) {
    const steps = Math.round((scale.high - scale.low) / STEP);
    const every = everyOf(steps);
    const ticks = [];
    for (let n = 0; n <= steps; n += every) ticks.push(scale.low + n * STEP);
    return ticks;
  }
  const place = (scale, score) =>
    Math.min(100, Math.max(0, (100 * (score - scale.low)) / (scale.high - scale.low)));
  const at = (scale, score) => `${place(scale, score).toFixed(2)}%`;

  function drawing(row, score, scale, closed) {
    const parts = [];
    const isBeyond = score.high < scale.low;
    if (closed && row.score !== null && !isBeyond) {
      const before = at(scale, row.score);
      parts.push(make("line", { class: "moved", x1: before, x2: at(scale, score.score), y1: "50%", y2: "50%" }));
      parts.push(make("circle", { class: "before", cx: before, cy: "50%", r: "3.5" }));
    }
    const [from, to] = [at(scale, score.low), at(scale, score.high)];
    const width = `${(parseFloat(to) - parseFloat(from)).toFixed(2)}%`;
    parts.push(make("rect", { class: "range", x: from, width, y: "5", height: "8", rx: "2" }));
    if (isBeyond) parts.push(make("path", { class: "beyond", d: "M5 4.5 L0 9 L5 13.5" }));
    else parts.push(make("line", { class: "dot", x1: at(scale, score.score), x2: at(scale, score.score), y1: "3", y2: "15" }));
    return parts;
  }
  function shake(by) {
    if (by === null) return ["–"];
    if (by === 0) return [seenOnly("±0"), unseen("same rank")];
    return by > 0 ? [seenOnly(`▲ ${by}`), unseen(`up ${by}`)] : [seenOnly(`▼ ${-by}`), unseen(`down ${-by}`)];
  }
  const topOf = (score) => Object.keys(score?.top ?? {}).map(Number).sort((a, b) => a - b).filter((k) => k > 1)
    .map((k) => `top-${k} ${percent(score.top[k])}`).join(", ");
  const unit = (text) => make("span", { class: "unit" }, text);

  function fillRow(tr, row, closed, scale, tied) {
    const find = (selector) => tr.querySelector(selector);
    const score = shown(row, closed), rank = rankOf(row, closed), isTeam = row.kind === "team";
    tr.dataset.name = row.name;
    tr.className = row.kind;
    find(".place").textContent = rank ?? "–";
    find(".tie").hidden = !(isTeam && tied.has(rank));
    find(".name bdi").textContent = row.name;
    find(".tag").hidden = isTeam;
    find(".value").textContent = score ? percent(score.score) : "–";
    find(".interval").replaceChildren(
      ...(score ? [number(score.low), unseen(" to "), seenOnly("–"), number(score.high)] : []));
    find(".plot").replaceChildren(...(score ? drawing(row, score, scale, closed) : []));
    find(".top").textContent = topOf(score);
    find(".top").hidden = !topOf(score);
    find(".public").replaceChildren(unit("public "), percent(row.score));
    find(".shake").replaceChildren(...shake(closed ? row.shake_up : null));
    find(".uploads").replaceChildren(...(isTeam ? [String(row.uploads), unit(` upload${row.uploads === 1 ? "" : "s"}`)] : ["–"]));
    find(".improved").replaceChildren(
      isTeam && row.last_improved ? make("time", { datetime: row.last_improved }, moment(row.last_improved)) : "–");
    markMine(tr);
  }
  function markMine(tr) {
    const own = mine !== null && tr.dataset.name === mine && tr.classList.contains("team");
    tr.classList.toggle("mine", own);
    tr.querySelector(".you").hidden = !own;
    if (own) tr.tabIndex = -1;
    else tr.removeAttribute("tabindex");
  }
  const keyOf = (row) => `${row.kind} ${row.name}`;
  const rowOf = (tr) => `${tr.classList.contains("team") ? "team" : "baseline"} ${tr.dataset.name}`;
  const ownRow = () => body.querySelector("tr.mine");

  function show(next) {
    const before = board;
    board = next;
    const { rows, closed } = next;
    const ranks = new Map();
    for (const row of rows.filter((one) => one.kind === "team")) {
      const rank = rankOf(row, closed);
      if (rank !== null) ranks.set(rank, (ranks.get(rank) ?? 0) + 1);
    }
    const tied = new Set([...ranks.keys()].filter((rank) => ranks.get(rank) > 1));
    const scale = scaleOf(rows.map((row) => shown(row, closed)));
    const ticks = ticksOf(scale);
    drawAxis(scale, ticks);

    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const old = new Map([...body.rows].map((tr) => [rowOf(tr), tr]));
    const heights = new Map([...old].map(([key, tr]) => [key, tr.offsetTop]));
    const wanted = rows.map((row) => {
      const tr = old.get(keyOf(row)) ?? $("empty-row").content.querySelector("tr").cloneNode(true);
      old.delete(keyOf(row));
      fillRow(tr, row, closed, scale, tied);
      return tr;
    });
    for (const tr of old.values()) tr.remove();
    wanted.forEach((tr, index) => {
      if (body.rows[index] !== tr) body.insertBefore(tr, body.rows[index] ?? null);
    });
    body.className = `ticks-${ticks.length - 1}`;
    table.classList.toggle("closed", closed);
    table.dataset.version = next.version;
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true });
    slide(wanted, heights);

    const teams = rows.filter((row) => row.kind === "team").length;
    $("counts").textContent = `${many(teams, "team")} and ${many(rows.length - teams, "baseline")}.`;
    $("board-title").textContent = closed ? "Final board" : "Board";
    $("nobody").hidden = rows.length > 0;
    showTime(next.server_time);
    if (closed && before && !before.closed) {
      document.querySelector(".when").textContent = "Closed. These are the final scores.";
      announce("The competition is closed. The board now shows the private scores.");
      refreshTeam();
    }
    follow(before);
  }
  function drawAxis(scale, ticks) {
    table.querySelector(".axis").replaceChildren(
      ...ticks.map((tick) => make("text", { x: at(scale, tick), y: "12" }, percent(tick, 0))));
  }
  function showTime(iso) {
    const time = $("as-of").querySelector("time");
    time.dateTime = iso;
    time.textContent = moment(iso);
  }
  /* Rows glide to their new places, for those who do not mind movement. */
  function slide(rows, heights) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) return;
    for (const tr of rows) {
      const moved = (heights.get(rowOf(tr)) ?? tr.offsetTop) - tr.offsetTop;
      const { top, bottom } = tr.getBoundingClientRect();
      if (moved && bottom > 0 && top < innerHeight) {
        tr.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 450, easing: "ease-out" });
      }
    }
  }

  /* ---- staying up to date ---- */

  let version = null, skew = 0; // ETag of the board shown; the server's clock less ours, in milliseconds
  let dirty = false, timer = null, asked = 0; // is there news; when to fetch it; when that was last done
  let stream = null, doubt = null, unconnected = false, isLost = false, poll = null;

  /* A large board is asked for less often, and not by everybody at once. */
  const gap = () => Math.min(10, (board ? board.rows.length : body.rows.length) / 50) * 1000;

  function changed() {
    dirty = true;
    if (document.hidden || timer) return;
    const wait = Math.max(asked + gap() - Date.now(), 0) + (Math.random() * gap()) / 4;
    timer = setTimeout(() => { timer = null; refresh(); }, wait);
  }
  async function refresh() {
    dirty = false;
    asked = Date.now();
    let answer;
    try {
      answer = await fetch("api/board", { cache: "no-store", headers: version ? { "If-None-Match": version } : {} });
    } catch {
      return connection("lost");
    }
    if (answer.status === 304) {
      const now = answer.headers.get("Date");
      if (now) showTime(new Date(now).toISOString());
    } else if (answer.ok) {
      const next = await answer.json();
      version = answer.headers.get("ETag");
      skew = new Date(next.server_time) - Date.now();
      show(next);
      countDown();
    } else {
      return connection("lost");
    }
    if (isLost) listenAgain(); // it was the server, not the stream
    if (unconnected) connection("polling");
    else if (stream.readyState === EventSource.OPEN) connection("live");
  }
  function connection(how) {
    isLost = how === "lost";
    const words = {
      live: "Live.",
      polling: "Asking for news every few seconds.",
      lost: "Not connected; trying again. The scores below may be old.",
    };
    $("state").className = how;
    say($("state"), words[how]);
    if (how === "live") {
      clearInterval(poll);
      poll = null;
    } else {
      poll ??= setInterval(() => { if (!document.hidden) refresh(); }, 5000 + gap());
    }
  }
  function listen() {
    stream = new EventSource("api/events");
    stream.addEventListener("open", () => { unconnected = false; connection("live"); changed(); });
    stream.addEventListener("board", changed);
    stream.addEventListener("error", () => {
      // The browser tries again by itself unless the server said no; then we do, once a minute.
      if (stream.readyState === EventSource.CLOSED) setTimeout(listenAgain, 60000);
      // A short break is nobody's news.
      doubt ??= setTimeout(() => {
        doubt = null;
        if (stream.readyState === EventSource.OPEN) return;
        unconnected = true;
        refresh();
      }, 3000);
    });
  }
  function listenAgain() {
    if (stream.readyState === EventSource.CLOSED) listen();
  }
  function countDown() {
    const deadline = $("deadline");
    if (!deadline || !deadline.isConnected) return;
    const left = (new Date(deadline.dateTime) - (Date.now() + skew)) / 1000;
    $("remaining").textContent = left > 0 ? `, in ${duration(left)}` : ": over; the instructor will show the final scores";
  }

  /* ---- your team ---- */

  const STORED = `leaderboard token for ${location.pathname}`;
  let token = null, team = null;
  const store = {
    get: (key) => { try { return sessionStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { value === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, value); } catch { /* kept for this page only */ } },
  };

  /* Ask in the team's name. Gives the answer's JSON; throws an Error whose message is a sentence to show. */
  async function ask(address, options = {}) {
    let answer;
    try {
      answer = await fetch(address, { ...options, cache: "no-store", headers: { ...options.headers, Authorization: `Bearer ${token}` } });
    } catch {
      throw new Error("The server cannot be reached just now. Nothing was counted; try again in a minute.");
    }
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    const problem = new Error(found.error ?? `The server answered ${answer.status}; try again in a minute.`);
    problem.status = answer.status;
    throw problem;
  }
  const post = (address, value) =>
    ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

  async function signIn(event) {
    event.preventDefault();
    const typed = $("token").value.trim();
    if (!/^[\x21-\x7e]+$/.test(typed)) {
      say($("token-answer"), "A token is one word of plain letters, digits and signs; copy it once more.", "refused");
      return $("token").focus();
    }
    token = typed;
    try {
      await loadTeam();
    } catch (problem) {
      token = null;
      say($("token-answer"), problem.message, "refused");
      return $("token").focus();
    }
    store.set(STORED, typed);
    $("token").value = "";
    $("you-title").focus();
  }
  function signOut(why = "") {
    token = team = mine = null;
    historyShown = "";
    store.set(STORED, null);
    for (const tr of body.rows) markMine(tr);
    $("team").hidden = true;
    $("sign-in").hidden = false;
    document.body.classList.remove("signed-in");
    $("token-answer").hidden = true;
    if (why) say($("token-answer"), why, "refused");
    $("token").focus();
  }
  async function loadTeam() {
    team = await ask("api/me");
    mine = team.pseudonym;
    for (const tr of body.rows) markMine(tr);
    $("sign-in").hidden = true;
    $("token-answer").hidden = true;
    $("team").hidden = false;
    document.body.classList.add("signed-in");
    showTeam();
    showHistory();
  }
  async function refreshTeam() {
    if (!token) return;
    try {
      await loadTeam();
    } catch (problem) {
      if (problem.status === 401 || problem.status === 403) signOut(problem.message);
    }
  }
  function showTeam() {
    const row = board?.rows.find((one) => one.kind === "team" && one.name === mine) ?? team.row;
    const closed = board ? board.closed : table.classList.contains("closed");
    const score = row && shown(row, closed), rank = row && rankOf(row, closed);
    $("my-name").textContent = mine;
    $("my-rank").textContent = rank ?? "–";
    $("my-score-label").textContent = closed ? "Private score" : "Public score";
    $("my-score").textContent = score ? percent(score.score) : "–";
    $("my-interval").textContent = score ? `${number(score.low)}–${number(score.high)}` : "";
    $("my-left").textContent = team.left_today ?? "no limit";
    $("show-row").disabled = !ownRow();
    showAhead(row, score, closed);
    $("my-next").textContent = team.left_today === 0 ? `more from ${moment(team.next_day_at)}` : "";
    $("left-part").hidden = closed;
    $("upload-part").hidden = closed;
    $("name-part").hidden = closed;
  }
  function showAhead(row, score, closed) {
    $("ahead").replaceChildren();
    if (!score) {
      $("my-gap").textContent = closed ? "No upload of your team was scored." : "Not on the board yet: your first upload puts you there.";
      return;
    }
    const rows = board ? board.rows : [...team.ahead, row];
    const above = rows.slice(0, Math.max(rows.findIndex((one) => keyOf(one) === keyOf(row)), 0));
    const nearest = above.filter((one) => one.kind === "team" && shown(one, closed)).slice(-3).reverse();
    $("my-gap").textContent = nearest.length ? "Just ahead of you:" : "Nobody is ahead of you.";
    for (const one of nearest) {
      const gap = rankOf(one, closed) === rankOf(row, closed)
        ? ": same rank, earlier"
        : `: ${number(shown(one, closed).score - score.score)} points more`;
      $("ahead").append(make("li", {}, make("bdi", {}, one.name), gap));
    }
  }
  /* A name within a sentence: marks of direction in it do not reach the rest. */
  const isolated = (name) => `\u2068${name}\u2069`;

  /* After a change of the board: say what it means for this team, and no more. */
  function follow(before) {
    if (!team) return;
    const find = (one) => one?.rows.find((row) => row.kind === "team" && row.name === mine);
    const was = find(before), is = find(board);
    const closed = board.closed;
    showTeam();
    if (is && was && (was.uploads !== is.uploads || was.score !== is.score)) refreshTeam();
    if (!is || !was || before.closed !== closed) {
      if (before && !is && was) refreshTeam(); // renamed elsewhere
    } else if (rankOf(was, closed) !== rankOf(is, closed)) {
      announce(`Your rank is now ${rankOf(is, closed)}; it was ${rankOf(was, closed)}.`);
    }
    if ($("follow").checked) ownRow()?.scrollIntoView({ block: "nearest" });
  }

  /* ---- uploading ---- */

  let chosen = null;
  function choose(file) {
    chosen = file ?? null;
    $("send").disabled = !chosen;
    $("drop-note").textContent = chosen
      ? `Chosen: ${isolated(chosen.name)}, ${Math.max(1, Math.round(chosen.size / 1024))} KB. Press Upload to send it.`
      : "or drop the file here. Nothing is sent before you press Upload.";
    say($("upload-answer"), "");
  }
  function takeDrops() {
    // Anywhere on the page: a file dropped beside the field must not replace the page.
    let depth = 0;
    const over = (is) => $("drop").classList.toggle("over", is);
    const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragenter", (event) => { if (hasFile(event)) over(++depth > 0); });
    addEventListener("dragleave", (event) => { if (hasFile(event)) over(--depth > 0); });
    addEventListener("dragover", (event) => { if (hasFile(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      const files = event.dataTransfer.files;
      if (!team || $("upload-part").hidden || !files.length) return;
      $("upload-part").open = true;
      $("file").value = "";
      choose(files[0]);
      if (files.length > 1) $("drop-note").textContent += " Of several files, the first is taken.";
      $("send").focus();
    });
  }
  async function upload(event) {
    event.preventDefault();
    if (!chosen || $("send").disabled) return;
    $("send").disabled = true;
    say($("upload-answer"), `Sending ${isolated(chosen.name)} …`);
    const form = new FormData();
    form.append("file", chosen, chosen.name);
    try {
      const receipt = await ask("api/uploads", { method: "POST", body: form, headers: { "X-Requested-By": "page" } });
      choose(null);
      $("file").value = "";
      say($("upload-answer"), receipt.message, "good");
      await refresh();
      await refreshTeam();
    } catch (problem) {
      if (problem.status === 401) return signOut(problem.message);
      say($("upload-answer"), problem.message, "refused");
      $("send").disabled = false;
    }
    $("upload-answer").focus({ preventScroll: true });
  }

  /* ---- history, and the upload that counts ---- */

  let selecting = null;
  let historyShown = "";
  function showHistory() {
    const closed = board ? board.closed : table.classList.contains("closed");
    const news = JSON.stringify([team.history, closed]);
    if (news === historyShown || selecting) return; // a choice under way is not taken out of one's hands
    historyShown = news;
    const uploads = [...team.history].sort((a, b) => new Date(a.at) - new Date(b.at) || a.upload - b.upload);
    const focused = document.activeElement?.dataset?.upload;
    $("history").tBodies[0].replaceChildren(...uploads.reverse().map((one) => historyRow(one, closed)));
    if (focused) $("history").querySelector(`[data-upload="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    $("selection-note").textContent = !team.history.length ? "Nothing uploaded yet."
      : closed ? "The upload marked here was scored on the private half."
      : "The upload marked here counts at the close. Choose by your own validation score, not by this board alone.";
    chart($("progress"), $("progress-caption"), uploads.reverse(), board?.rows.filter((row) => row.kind === "baseline") ?? []);
  }
  function historyRow(one, closed) {
    const radio = make("input", { type: "radio", name: "counts", "data-upload": one.upload,
      "aria-label": `Let upload ${one.upload} of ${moment(one.at)} count` });
    radio.checked = one.selected;
    radio.disabled = closed;
    radio.addEventListener("change", () => select(one));
    const file = make("bdi", { class: "file" }, one.file_name);
    const source = one.source === "handed in" ? " (handed in)" : "";
    return make("tr", one.selected ? { class: "counts" } : {},
      make("td", {}, radio),
      make("td", {}, make("time", { datetime: one.at }, moment(one.at)), source, make("br"), file),
      make("td", {}, percent(one.shown, 2), make("br"), make("span", { class: "quiet" }, one.improved ? "▲ new best" : "no better")));
  }
  function select(one) {
    clearTimeout(selecting); // arrow keys pass over uploads: the one that stays is sent
    selecting = setTimeout(async () => {
      try {
        await post("api/me/selection", { upload: one.upload });
        say($("selection-answer"), `The upload of ${moment(one.at)} counts now.`, "good");
      } catch (problem) {
        say($("selection-answer"), problem.message, "refused");
      }
      selecting = null;
      historyShown = ""; // what the server has is shown, also after a refusal
      await refreshTeam();
    }, 600);
  }
  async function rename(event) {
    event.preventDefault();
    try {
      await post("api/me/pseudonym", { pseudonym: $("new-name").value.trim() });
    } catch (problem) {
      return say($("rename-answer"), problem.message, "refused");
    }
    $("new-name").value = "";
    say($("rename-answer"), "Changed.", "good");
    await refreshTeam(); // first, so that the board's new row is known as ours
    await refresh();
  }

  /* ---- score over time ---- */

  const WIDTH = 360, HEIGHT = 220, LEFT = 40, RIGHT = 8, TOP = 10, BOTTOM = 26;

  /* uploads: [{at, shown, improved}], oldest first. references: rows to compare with, drawn as dashed lines. */
  function chart(svg, caption, uploads, references) {
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.closest("figure").hidden = !uploads.length;
    if (!uploads.length) return;
    const scores = uploads.map((one) => one.shown), near = Math.min(...scores) - 0.1;
    const lines = references.filter((row) => row.score !== null && row.score >= near);
    const scale = scaleOf([...scores, ...lines.map((row) => row.score)].map((score) => ({ low: score, high: score })));
    const times = uploads.map((one) => Number(new Date(one.at)));
    const first = times[0], last = times[times.length - 1];
    // Within a minute there is no time to speak of: then uploads stand side by side.
    const where = last - first < 60000 ? uploads.map((_, n) => (n + 1) / (uploads.length + 1)) : times.map((time) => (time - first) / (last - first));
    const x = (n) => LEFT + (WIDTH - LEFT - RIGHT) * where[n];
    const y = (score) => HEIGHT - BOTTOM - (place(scale, score) / 100) * (HEIGHT - TOP - BOTTOM);
    const parts = [];
    for (const tick of ticksOf(scale)) {
      parts.push(make("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
      parts.push(make("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, percent(tick, 0)));
    }
    for (const row of lines) {
      parts.push(make("line", { class: "reference", x1: LEFT, x2: WIDTH - RIGHT, y1: y(row.score), y2: y(row.score) }));
      parts.push(make("text", { x: WIDTH - RIGHT, y: y(row.score) - 4, "text-anchor": "end" }, row.name));
    }
    const path = uploads.map((one, n) => (n ? `H${x(n).toFixed(1)}V${y(one.shown).toFixed(1)}` : `M${x(0).toFixed(1)} ${y(one.shown).toFixed(1)}`));
    parts.push(make("path", { class: "path", d: path.join("") }));
    uploads.forEach((one, n) => parts.push(make("circle",
      { class: one.improved ? "better" : "same", cx: x(n).toFixed(1), cy: y(one.shown).toFixed(1), r: one.improved ? 4.5 : 3 })));
    const dates = last - first < 60000 ? [[0, "start"]] : [[0, "start"], [uploads.length - 1, "end"]];
    for (const [n, anchor] of dates) {
      parts.push(make("text", { x: x(n), y: HEIGHT - 6, "text-anchor": anchor }, moment(uploads[n].at)));
    }
    svg.replaceChildren(...parts);
    const better = uploads.filter((one) => one.improved).length;
    const words = `${many(uploads.length, "upload")}, ${better} of them better: from ${percent(scores[0])} to ${percent(scores[scores.length - 1])}.`;
    svg.setAttribute("aria-label", `Public score over time. ${words}`);
    caption.textContent = `${words} Filled dots moved the score on the board; hollow ones did not${lines.length ? "; dashed lines are baselines" : ""}.`;
  }

  /* ---- a copy without a server ---- */

  function openCopy() {
    const histories = $("histories") && JSON.parse($("histories").textContent);
    if (!histories) return;
    const references = [...body.querySelectorAll("tr.baseline")].map((tr) => ({
      name: tr.dataset.name, score: parseFloat(tr.querySelector(".value").textContent) / 100,
    }));
    const names = [...body.querySelectorAll("tr.team")].map((tr) => tr.dataset.name).filter((name) => histories[name]);
    $("whose").append(...names.map((name) => make("option", { value: name }, name)));
    for (const tag of body.querySelectorAll(".you")) tag.textContent = " drawn below"; // nobody is signed in here
    const draw = () => {
      const name = $("whose").value;
      chart($("progress"), $("progress-caption"), histories[name], references);
      mine = name;
      for (const tr of body.rows) markMine(tr);
    };
    $("whose").addEventListener("change", draw);
    $("over-time").hidden = !names.length;
    if (names.length) draw();
  }

  async function openLive() {
    $("you").hidden = false;
    if (matchMedia("(max-width: 47.99rem)").matches) {
      for (const part of ["upload-part", "progress-part", "history-part"]) $(part).open = false; // the board comes first
    }
    $("sign-in").addEventListener("submit", signIn);
    $("sign-out").addEventListener("click", () => signOut());
    $("upload").addEventListener("submit", upload);
    $("rename").addEventListener("submit", rename);
    $("file").addEventListener("change", () => choose($("file").files[0]));
    $("show-row").addEventListener("click", () => {
      ownRow()?.scrollIntoView({ block: "center" });
      ownRow()?.focus({ preventScroll: true });
    });
    $("follow").checked = store.get("follow my row") === "yes";
    $("follow").addEventListener("change", () => {
      store.set("follow my row", $("follow").checked ? "yes" : null);
      if ($("follow").checked) ownRow()?.scrollIntoView({ block: "nearest" });
    });
    takeDrops();
    document.addEventListener("visibilitychange", () => { if (!document.hidden && dirty) changed(); });
    setInterval(countDown, 30000);
    token = store.get(STORED);
    listen();
    await refresh();
    if (token) refreshTeam();
  }

  if (isLive) openLive();
  else openCopy();
})();
