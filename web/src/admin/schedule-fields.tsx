// Fields for weekly windows of time: a time zone, days with from and to, and holidays.
import { useId } from 'preact/hooks';
import { t } from '../language.ts';
import { Check, TextField } from '../ui/field.tsx';
import { Button, Notice } from '../ui/parts.tsx';
import { days, dayText, mostWindows, officeHours, overnight, scheduleWrong, type ScheduleDraft, type WindowDraft } from './schedule-values.ts';

/** Where this browser is: what somebody who makes a new schedule most likely means. */
export const hereZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

interface WindowProps { number: number; draft: WindowDraft; wrong: string | null; onValue: (draft: WindowDraft) => void; onRemove: () => void }

function WindowFields({ number, draft, wrong, onValue, onRemove }: WindowProps) {
  const pick = (day: string, on: boolean) => onValue({ ...draft, days: days.filter((one) => (one === day ? on : draft.days.includes(one))) });
  return (
    <fieldset class="field">
      <legend class="label">{t('Window {number}', { number })}</legend>
      <div class="stack tight">
        <div class="row tight">
          {days.map((day) => <Check key={day} label={dayText(day)} checked={draft.days.includes(day)} onValue={(on) => pick(day, on)} />)}
        </div>
        <div class="row bottom">
          <TextField label={t('Begins at')} type="time" value={draft.from} onValue={(from) => onValue({ ...draft, from })} />
          <TextField label={t('Ends at')} type="time" value={draft.to} onValue={(to) => onValue({ ...draft, to })} />
          <Button look="small" label={t('Remove window {number}', { number })} onClick={onRemove}>{t('Remove')}</Button>
        </div>
        {wrong ? <Notice mood="bad">{wrong}</Notice> : overnight(draft) && <p class="small quiet">{t('It goes on into the next day.')}</p>}
      </div>
    </fieldset>
  );
}

interface Props { draft: ScheduleDraft; onValue: (draft: ScheduleDraft) => void; none: string }

/** `none` says what it means that there is no window. */
export function ScheduleFields({ draft, onValue, none }: Props) {
  const zones = useId();
  const wrong = scheduleWrong(draft);
  const put = (windows: WindowDraft[]) => onValue({ ...draft, windows });
  return (
    <div class="stack">
      <TextField label={t('Time zone')} value={draft.time_zone} onValue={(time_zone) => onValue({ ...draft, time_zone })} wrong={wrong.time_zone} {...{ list: zones }}
        autocomplete="off" autocapitalize="off" spellcheck={false} />
      <datalist id={zones}>{['UTC', ...Intl.supportedValuesOf('timeZone')].map((one) => <option key={one} value={one} />)}</datalist>
      {draft.windows.map((one, place) => (
        <WindowFields key={place} number={place + 1} draft={one} wrong={wrong.windows[place] ?? null}
          onValue={(next) => put(draft.windows.map((other, at) => (at === place ? next : other)))} onRemove={() => put(draft.windows.filter((_, at) => at !== place))} />
      ))}
      {draft.windows.length === 0 && <p class="small quiet">{none}</p>}
      <div class="row"><Button look="small" disabled={draft.windows.length >= mostWindows} onClick={() => put([...draft.windows, officeHours()])}>{t('Add a window')}</Button></div>
      <TextField label={t('Holidays')} value={draft.holidays} onValue={(holidays) => onValue({ ...draft, holidays })} wrong={wrong.holidays} placeholder="2026-12-25, 2027-01-01"
        help={t('Dates with commas between them. No window begins on them.')} autocomplete="off" />
    </div>
  );
}
