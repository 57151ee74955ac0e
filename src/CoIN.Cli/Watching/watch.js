// Follows runs by server-sent events. Nothing is decided here: what is shown is what the journals and files of the runs say.
'use strict';

const runs = new Map();
const levels = ['Verbose', 'Debug', 'Information', 'Warning', 'Error', 'Fatal'];
const longestLog = 2000;
// Of more runs than these, devices, samples and log are shown when somebody opens them: the table of all comes first.
const fewRuns = 2;
let measure = 'published';
let many = false;

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'text') element.textContent = value;
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
};

const shape = (name, attributes, text) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

const two = value => value === null || value === undefined ? '–' : value.toFixed(2);
const count = value => value.toLocaleString('en');

const duration = seconds => {
  if (seconds === null || seconds === undefined) return '';
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor(s % 3600 / 60)).padStart(2, '0')} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
};

// A run's panel: made once, its parts are filled anew when what they show has changed.
const panelOf = id => {
  if (runs.has(id)) return runs.get(id);
  const panel = { id, status: null, curves: new Map(), speeds: new Map(), log: [], cell: null, wrong: false, filters: { actor: '', stage: '', level: 'Information', text: '' } };
  const part = name => panel[name] = make('div', { class: name });
  const select = (name, label) => {
    panel[name] = make('select', { onchange: () => { panel.filters[name] = panel[name].value; showLog(panel); } });
    return make('label', {}, `${label} `, panel[name]);
  };
  panel.logLines = make('div', { class: 'log', role: 'log', tabindex: '0', 'aria-live': 'off', 'aria-label': `Log of ${id}` });
  panel.title = make('h2', { text: id, id: `run-${id}` });
  panel.state = make('span', { class: 'status', text: 'reading its journal…' });
  panel.times = make('span', { class: 'times' });
  panel.cellName = make('span', {});
  panel.cellSpeed = make('small', { class: 'speed' });
  // Kept as it is, so that it can be selected and copied while the rest changes.
  panel.folder = make('p', { class: 'folder' });
  panel.fault = make('p', { class: 'warning', role: 'alert', hidden: true });
  const details = (name, ...children) => make('details', { class: 'part', open: !many }, make('summary', { text: name }), ...children);
  panel.root = make('section', { class: 'run', 'aria-labelledby': `run-${id}` },
    make('header', {}, panel.title, panel.state, panel.times),
    panel.folder, panel.fault,
    part('top'),
    make('h3', { text: 'Accuracy after each stage' }), part('matrix'),
    make('h3', { text: 'Loss' }), part('charts'),
    details('Devices', part('devices')),
    panel.answers = details('Samples as they are answered',
      make('div', { class: 'filters' },
        panel.cellName, panel.cellSpeed,
        make('label', {}, make('input', { type: 'checkbox', onchange: event => { panel.wrong = event.target.checked; fetchSamples(panel); } }), ' wrong ones only'),
        panel.follow = make('button', { type: 'button', text: 'follow the latest', hidden: true, onclick: () => { panel.cell = null; fetchSamples(panel); showMatrix(panel); } })),
      Object.assign(part('samples'), { tabIndex: 0, role: 'region', ariaLabel: `Samples of ${id}` })),
    details('Log',
      make('div', { class: 'filters' }, select('actor', 'Actor'), select('stage', 'Stage'), select('level', 'Level from'),
        make('label', {}, 'Text ', make('input', { type: 'search', size: '12', oninput: event => { panel.filters.text = event.target.value.toLowerCase(); showLog(panel); } }))),
      panel.logLines));
  for (const level of levels.slice(1)) panel.level.append(make('option', { value: level, text: level.toLowerCase(), selected: level === 'Information' }));
  panel.answers.addEventListener('toggle', () => { if (panel.answers.open) fetchSamples(panel); });
  panel.row = [make('a', { href: `#run-${id}`, text: id }), ...['', '', '', '', '', ''].map(text => make('span', { text }))];
  runs.set(id, panel);
  document.getElementById('runs').append(panel.root);
  showOverview();
  return panel;
};

const isNumber = place => place === 4 || place === 5;

// Several runs in a table. Its rows stay, so that a link keeps the focus; their texts change.
const showOverview = () => {
  const overview = document.getElementById('overview');
  overview.hidden = runs.size < 2;
  if (overview.hidden) return;
  const rows = [...runs.values()].map(panel => make('tr', {},
    ...panel.row.map((cell, place) => make(place === 0 ? 'th' : 'td', { scope: place === 0 ? 'row' : null, class: isNumber(place) ? 'number' : null }, cell))));
  overview.replaceChildren(make('div', { class: 'scroll' }, make('table', { class: 'plain' },
    make('thead', {}, make('tr', {}, ...['run', 'status', 'done', 'left', 'MAA', 'BWT', 'now'].map((text, place) => make('th', { scope: 'col', class: isNumber(place) ? 'number' : null, text })))),
    make('tbody', {}, ...rows))));
};

const showRow = (panel, part, chosen, now) => {
  const run = panel.status;
  const known = chosen && chosen.soFar;
  const so = known && known.rows < chosen.rows.length ? ' so far' : '';
  const texts = [panel.id, run.status, run.tasks ? `${Math.floor(100 * part)} %` : '', run.remainingSeconds ? duration(run.remainingSeconds) : '',
    known ? `${two(known.maa)}${so}` : '', known && known.bwt !== null ? `${two(known.bwt)}${so}` : '', now.join(' · ') || run.message || ''];
  texts.forEach((text, place) => { if (panel.row[place].textContent !== text) panel.row[place].textContent = text; });
  panel.row[1].className = `status ${run.status}`;
  const all = [...runs.values()];
  document.title = all.length === 1 ? `${run.tasks && run.status === 'running' ? `${Math.floor(100 * part)} %` : run.status} · ${panel.id}`
    : `${all.filter(one => one.status && one.status.status === 'completed').length}/${all.length} runs completed · CoIN`;
};

const showStatus = panel => {
  const run = panel.status;
  panel.folder.textContent = run.folder;
  if (!run.tasks) {
    panel.state.textContent = run.status;
    panel.state.className = 'status';
    panel.top.replaceChildren(make('p', { class: 'none', text: run.driven ? 'Its process has begun; nothing has happened yet.' : 'It has not begun yet.' }));
    showRow(panel, 0, null, []);
    return;
  }
  panel.state.textContent = run.status;
  panel.state.className = `status ${run.status}`;
  panel.times.textContent = [duration(run.elapsedSeconds), run.remainingSeconds !== null ? `about ${duration(run.remainingSeconds)} left` : ''].filter(text => text).join(' · ');
  const cells = run.tests.reduce((sum, row) => sum + row.tasks.length, 0);
  const shown = run.measures[0];
  const scored = shown ? shown.rows.reduce((sum, row) => sum + row.filter(cell => cell !== null).length, 0) : 0;
  const inStage = run.training && run.training.totalSteps > 0 ? run.training.step / run.training.totalSteps : 0;
  const stages = run.stages.length;
  const part = stages + cells === 0 ? 0 : ((run.stagesTrained + inStage) + scored) / (stages + cells);
  const now = [];
  if (run.training) {
    const training = run.training;
    now.push(`Training stage ${training.stage}/${stages} ${training.task}: step ${training.step}/${training.totalSteps}`
      + (training.microBatch > 0 ? `, micro-batch ${training.microBatch}/${training.microBatches}` : '')
      + (training.loss !== null ? `, loss ${training.loss.toFixed(4)}, rate ${training.learningRate.toExponential(2)}` : '')
      + (training.tokensPerSecond !== null ? `, ${count(Math.round(training.tokensPerSecond))} tokens/s` : ''));
  }
  for (const one of run.evaluations) now.push(`Testing ${one.task} ${one.stage === 0 ? 'with the base model' : `after stage ${one.stage}`}: ${one.answered}/${one.total}`);
  for (const one of run.judging) now.push(`${one.judge} judges ${one.task} after stage ${one.stage}: ${one.judged}/${one.total}`);
  const chosen = run.measures.find(one => one.key === measure) || shown;
  const numbers = chosen ? make('p', { class: 'numbers' },
    ...(chosen.soFar ? [
      make('span', {}, 'MAA ', make('b', { text: two(chosen.soFar.maa) }), ' %'),
      ...(chosen.soFar.bwt !== null ? [make('span', {}, 'BWT ', make('b', { text: two(chosen.soFar.bwt) }), ' points')] : []),
      make('span', { class: 'times', text: `${chosen.soFar.rows < chosen.rows.length ? `of the first ${chosen.soFar.rows} of ${chosen.rows.length} rows, ` : ''}${chosen.name}` }),
    ] : [make('span', { class: 'times', text: `${chosen.name}: no row is whole yet` })])) : null;
  showRow(panel, part, chosen, now);
  panel.top.replaceChildren(
    make('div', { class: 'total' }, make('progress', { max: '1', value: String(part), 'aria-label': 'stages and tests done' }),
      make('span', { text: `${run.stagesTrained}/${stages} stages, ${scored}/${cells} tests` })),
    ...(run.message ? [make('p', { class: 'warning', text: run.message })] : []),
    ...now.map(text => make('p', { class: 'now', text })),
    ...(numbers ? [numbers] : []));
  panel.devices.replaceChildren(run.workers.length === 0
    ? make('p', { class: 'none', text: run.driven ? 'No worker is at it at the moment.' : 'No process drives this run.' })
    : make('div', { class: 'scroll' }, make('table', { class: 'plain' },
      make('thead', {}, make('tr', {}, ...['worker', 'node', 'does'].map(text => make('th', { scope: 'col', text })))),
      make('tbody', {}, ...run.workers.map(one => make('tr', {}, ...[one.name, one.node, one.doing].map(text => make('td', { text }))))))));
};

const showMatrix = panel => {
  const run = panel.status;
  const chosen = run.tasks && (run.measures.find(one => one.key === measure) || run.measures[0]);
  if (!chosen) return;
  // The status comes every second; who reads or scrolls the table is left alone until it changes.
  const shown = JSON.stringify([chosen, run.evaluations, panel.cell]);
  if (shown === panel.shown) return;
  panel.shown = shown;
  const scrolled = panel.matrix.firstElementChild ? panel.matrix.firstElementChild.scrollLeft : 0;
  const focused = panel.matrix.contains(document.activeElement) ? document.activeElement.dataset.place : null;
  const going = (stage, task) => run.evaluations.find(one => one.stage === stage && one.task === task);
  const rows = run.tests.map((row, place) => make('tr', {}, make('th', { scope: 'row', text: row.label }),
    ...run.tasks.map((task, column) => {
      if (!row.tasks.includes(column)) return make('td', {});
      const value = chosen.rows[place][column];
      if (value === null) {
        const now = going(row.stage, task);
        return make('td', { class: now ? 'going' : 'gone', title: now ? `${now.answered} of ${now.total} answered` : 'not tested yet', text: now ? `${Math.round(100 * now.answered / Math.max(1, now.total))}%` : '·' });
      }
      const pressed = panel.cell !== null && panel.cell.stage === row.stage && panel.cell.task === task;
      const button = make('button', {
        type: 'button', text: value.toFixed(1), tabindex: '-1', 'data-place': `${place} ${column}`, 'aria-pressed': String(pressed),
        'aria-label': `${task} after ${row.label}: ${two(value)} percent. Show its samples`, title: `${two(value)} %`,
        onclick: () => { panel.cell = { stage: row.stage, task }; panel.answers.open = true; showMatrix(panel); fetchSamples(panel); },
      });
      const cell = make('td', { class: `cell${row.own === column ? ' own' : ''}` }, button);
      cell.style.setProperty('--v', String(Math.min(1, value / 100)));
      return cell;
    })));
  panel.matrix.replaceChildren(
    make('div', { class: 'scroll' }, make('table', { class: 'heat', 'aria-label': chosen.name, onkeydown: event => move(panel, event) },
      make('thead', {}, make('tr', {}, make('th', { scope: 'col', text: 'after stage' }), ...run.tasks.map(text => make('th', { scope: 'col', text })))),
      make('tbody', {}, ...rows))),
    make('p', { class: 'note', text: `${chosen.name}, percent. Framed: just trained. A number shows its samples; arrow keys go from one to the next.` }));
  panel.matrix.firstElementChild.scrollLeft = scrolled;
  const buttons = panel.matrix.querySelectorAll('button');
  const current = [...buttons].find(button => button.dataset.place === focused) || buttons[buttons.length - 1];
  if (current) current.tabIndex = 0;
  if (focused && current) current.focus();
};

// One number of the matrix is in the order of tabs; arrow keys go to the others.
const move = (panel, event) => {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step || !event.target.dataset.place) return;
  const buttons = new Map([...panel.matrix.querySelectorAll('button')].map(button => [button.dataset.place, button]));
  let [row, column] = event.target.dataset.place.split(' ').map(Number);
  for (let i = 0; i < 64; i++) {
    row += step[0];
    column += step[1];
    const next = buttons.get(`${row} ${column}`);
    if (next) {
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
      return;
    }
  }
};

const showCurve = (panel, curve) => {
  const [width, height, left, right, top, bottom] = [240, 120, 34, 8, 8, 20];
  const highest = Math.max(...curve.points.map(point => point[3]), ...curve.validation.map(point => point[1]));
  const power = Math.pow(10, Math.floor(Math.log10(highest > 0 ? highest : 1)));
  const limit = [1, 2, 4, 6, 10].map(step => step * power).find(step => step >= highest * 0.999999) || 1;
  const x = step => left + (width - left - right) * (curve.of > 1 ? (step - 1) / (curve.of - 1) : 0.5);
  const y = loss => top + (height - top - bottom) * (1 - Math.min(loss, limit) / limit);
  const place = (step, loss) => `${x(step).toFixed(1)} ${y(loss).toFixed(1)}`;
  const last = curve.points[curve.points.length - 1];
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Loss of stage ${curve.stage} ${curve.name}: ${last[1].toFixed(4)} at step ${last[0]} of ${curve.of}` });
  for (const part of [0, 0.5, 1]) {
    svg.append(shape('path', { class: 'rule', d: `M${left} ${y(part * limit)}H${width - right}` }),
      shape('text', { class: 'soft', x: left - 4, y: y(part * limit) + 4, 'text-anchor': 'end' }, String(+(part * limit).toPrecision(3))));
  }
  svg.append(shape('text', { class: 'soft', x: left, y: height - 4 }, '1'), shape('text', { class: 'soft', x: width - right, y: height - 4, 'text-anchor': 'end' }, String(curve.of)));
  if (curve.points.length > 1) {
    svg.append(
      shape('path', { class: 'band', d: `M${[...curve.points.map(p => place(p[0], p[3])), ...[...curve.points].reverse().map(p => place(p[0], p[2]))].join('L')}Z` }),
      shape('path', { class: 'line', d: `M${curve.points.map(p => place(p[0], p[1])).join('L')}` }));
  }
  for (const [step, loss] of curve.validation) {
    const dot = shape('circle', { class: 'own-dot', cx: x(step), cy: y(loss), r: 3 });
    dot.append(shape('title', {}, `held-out samples after step ${step}: ${loss.toFixed(4)}`));
    svg.append(dot);
  }
  svg.append(shape('circle', { class: 'dot', cx: x(last[0]), cy: y(last[1]), r: 2.5 }));
  const heldOut = curve.validation[curve.validation.length - 1];
  const figure = make('figure', {}, make('h4', {}, `${curve.stage} ${curve.name}`, make('span', { text: last[1].toFixed(4) })), svg,
    make('p', { class: 'note', text: [heldOut ? `○ held-out samples ${heldOut[1].toFixed(4)}` : null, `memory ${count(Math.round(curve.memory / 1048576))} MiB`].filter(text => text).join(' · ') }));
  const before = panel.curves.get(curve.stage);
  if (before) before.replaceWith(figure);
  else panel.charts.append(figure);
  panel.curves.set(curve.stage, figure);
};

const options = (select, first, values) => {
  const known = [...select.options].map(option => option.value);
  if (known.length === 0) select.append(make('option', { value: '', text: first }));
  for (const value of values) if (!known.includes(String(value))) select.append(make('option', { value: String(value), text: String(value) }));
};

const passes = (panel, line) => (!panel.filters.actor || line.actor === panel.filters.actor)
  && (!panel.filters.stage || String(line.stage) === panel.filters.stage)
  && levels.indexOf(line.level) >= levels.indexOf(panel.filters.level)
  && (!panel.filters.text || line.message.toLowerCase().includes(panel.filters.text));

const logLine = line => make('p', { class: levels.indexOf(line.level) >= 3 ? 'warning-line' : null },
  make('span', { class: 'when', text: `${line.time} ` }),
  line.level === 'Information' ? null : make('b', { text: `${line.level.toLowerCase()} ` }),
  line.actor ? make('span', { class: 'who', text: `${line.actor} ` }) : null,
  `${line.stage !== null ? `[stage ${line.stage}${line.task ? ` ${line.task}` : ''}] ` : ''}${line.message}`);

const showLog = panel => {
  const end = panel.logLines.scrollHeight - panel.logLines.scrollTop - panel.logLines.clientHeight < 30;
  panel.logLines.replaceChildren(...panel.log.filter(line => passes(panel, line)).slice(-500).map(logLine));
  if (end) panel.logLines.scrollTop = panel.logLines.scrollHeight;
};

const addLog = (panel, lines) => {
  panel.log = panel.log.concat(lines).slice(-longestLog);
  options(panel.actor, 'all', [...new Set(lines.map(line => line.actor).filter(actor => actor))].sort());
  options(panel.stage, 'all', [...new Set(lines.map(line => line.stage).filter(stage => stage !== null))].sort((a, b) => a - b));
  showLog(panel);
};

const sampleCard = sample => make('article', { class: sample.image ? 'example' : 'example bare' },
  sample.image ? make('img', { src: sample.image, alt: 'the question\'s picture', loading: 'lazy' }) : null,
  make('div', {}, make('div', { class: 'task', text: `${sample.task}, ${sample.stage === 0 ? 'base model' : `after stage ${sample.stage}`}` }),
    make('div', { class: 'question', text: sample.question })),
  make('dl', {}, make('dt', { text: 'answer' }), make('dd', { class: sample.published === null ? null : sample.published > 0 ? 'right' : 'wrong' }, make('q', { text: sample.answer })),
    make('dt', { text: 'truth' }), make('dd', {}, make('q', { text: sample.truth })),
    make('dt', { text: 'scores' }), make('dd', { text: `published ${sample.published === null ? '–' : +sample.published.toFixed(3)}, corrected ${sample.corrected === null ? '–' : +sample.corrected.toFixed(3)}` })));

// How fast the cell was answered whose samples are shown.
const showSpeed = panel => {
  const cell = panel.cell || panel.latest;
  const speed = cell ? panel.speeds.get(`${cell.stage} ${cell.task}`) : undefined;
  panel.cellSpeed.textContent = speed === undefined ? '' : `${speed} samples/s`;
};

const fetchSamples = async panel => {
  panel.follow.hidden = panel.cell === null;
  if (!panel.answers.open) return;
  const cell = panel.cell || panel.latest;
  showSpeed(panel);
  panel.cellName.textContent = cell ? `${cell.task}, ${cell.stage === 0 ? 'base model' : `after stage ${cell.stage}`}${panel.cell ? '' : ' (the latest)'}` : '';
  if (!cell) {
    panel.samples.replaceChildren(make('p', { class: 'none', text: 'Nothing is answered yet.' }));
    return;
  }
  const asked = `${cell.stage} ${cell.task} ${panel.wrong}`;
  panel.asked = asked;
  const answer = await fetch(`samples?run=${encodeURIComponent(panel.id)}&stage=${cell.stage}&task=${encodeURIComponent(cell.task)}&wrong=${panel.wrong}`);
  if (panel.asked !== asked) return;
  if (!answer.ok) {
    panel.samples.replaceChildren(make('p', { class: 'none', text: await answer.text() }));
    return;
  }
  const samples = await answer.json();
  panel.samples.replaceChildren(...(samples.length > 0 ? samples.map(sampleCard) : [make('p', { class: 'none', text: 'None.' })]));
};

const take = event => {
  const panel = panelOf(event.run);
  if (event.kind === 'status') {
    panel.status = event.status;
    const select = document.getElementById('measure');
    for (const one of event.status.measures || []) {
      if (![...select.options].some(option => option.value === one.key)) select.append(make('option', { value: one.key, text: one.name }));
      document.getElementById('numbers').hidden = false;
    }
    showStatus(panel);
    showMatrix(panel);
  } else if (event.kind === 'curve') {
    showCurve(panel, event.curve);
  } else if (event.kind === 'speed') {
    for (const cell of event.cells) panel.speeds.set(`${cell.stage} ${cell.task}`, cell.samplesPerSecond);
    showSpeed(panel);
  } else if (event.kind === 'log') {
    addLog(panel, event.lines);
  } else if (event.kind === 'answered') {
    panel.latest = event.cell;
    if (panel.cell === null) fetchSamples(panel);
  } else if (event.kind === 'fault') {
    panel.fault.textContent = event.message || '';
    panel.fault.hidden = !event.message;
  }
};

const connect = () => {
  const link = document.getElementById('link');
  const source = new EventSource('events');
  source.addEventListener('open', () => { link.textContent = 'following'; link.className = ''; });
  source.addEventListener('error', () => { link.textContent = 'the connection is lost; trying again…'; link.className = 'lost'; });
  // Whoever connects is told everything from the beginning.
  source.addEventListener('begin', event => {
    for (const panel of runs.values()) panel.log = [];
    const ids = JSON.parse(event.data);
    many = ids.length > fewRuns;
    for (const id of ids) panelOf(id);
  });
  source.addEventListener('message', event => take(JSON.parse(event.data)));
};

document.getElementById('measure').addEventListener('change', event => {
  measure = event.target.value;
  for (const panel of runs.values()) if (panel.status) { showStatus(panel); showMatrix(panel); }
});
connect();
