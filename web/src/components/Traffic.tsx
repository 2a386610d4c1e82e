import type { Strength, TrafficFragment } from "../api/generated";
import { amount, rate, share } from "../drift";
import { count, latency, moment, strengthWords } from "../words";

/** How much traffic it is and how well it goes, in one line, with all that is known on demand. */
export function TrafficLine({ traffic, strength }: { traffic: TrafficFragment; strength: Strength }) {
  const { errorRate, requestRate } = traffic;
  return (
    <span className="traffic-line">
      <span>{requestRate !== null && requestRate > 0 ? rate(requestRate) : `${amount(traffic.requests)} requests`}</span>
      {errorRate !== null && <span className={errorRate >= 0.01 ? "traffic-bad" : undefined}>{share(errorRate, 1)} fail</span>}
      {traffic.p50 !== null && traffic.p99 !== null && (
        <span>
          {latency(traffic.p50)} <span className="quiet">p50</span> {latency(traffic.p99)} <span className="quiet">p99</span>
        </span>
      )}
      {traffic.behaves !== null && <Behaves behaves={traffic.behaves} strength={strength} />}
      <details>
        <summary>Traffic</summary>
        <All traffic={traffic} />
      </details>
    </span>
  );
}

/** The strength that failures tell; loud where it is not the one that counts. */
function Behaves({ behaves, strength }: { behaves: Strength; strength: Strength }) {
  const { label, meaning } = strengthWords[behaves];
  return (
    <span className={behaves === strength ? "tag" : "tag tag-loud"} title={`${meaning}, by its failures`}>
      behaves {label}
    </span>
  );
}

function All({ traffic }: { traffic: TrafficFragment }) {
  const { together, operations } = traffic;
  const failed = together ? together.bothFailed + together.callFailed : 0;
  return (
    <div className="traffic-all">
      <p>
        {count(Math.round(traffic.requests), "request")}
        {traffic.errors !== null && `, ${share(traffic.errors, traffic.requests)} of them failed`}
        {traffic.firstSeen && `, since ${moment(traffic.firstSeen)}`}
        {traffic.lastSeen && `, last ${moment(traffic.lastSeen)}`}.{traffic.sampled && " Some were seen in a sample, and stand for more."}
      </p>
      {together && failed > 0 && (
        <p>
          Of {count(failed, "request")} in which the call failed, {together.bothFailed.toLocaleString("en")} failed; of{" "}
          {(together.requestFailed + together.noneFailed).toLocaleString("en")} others {together.requestFailed.toLocaleString("en")}.
        </p>
      )}
      {operations.length > 0 && (
        <div className="table-frame">
          <table>
            <caption className="visually-hidden">What was called</caption>
            <thead>
              <tr>
                <th scope="col">Operation</th>
                <th scope="col" className="number">
                  Requests
                </th>
                <th scope="col" className="number">
                  Failed
                </th>
              </tr>
            </thead>
            <tbody>
              {operations.slice(0, 10).map(({ name, requests, errors }) => (
                <tr key={name}>
                  <th scope="row">{name === "(other)" ? "all others" : <code>{name}</code>}</th>
                  <td className="number">{amount(requests)}</td>
                  <td className="number">{share(errors, requests)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

/** Which share of the requests touches what fails. */
export function Reach({ reach }: { reach: { share: number; shareAtMost: number } | null }) {
  if (reach === null) return null;
  const least = share(reach.share, 1);
  const most = share(reach.shareAtMost, 1);
  return (
    <span className="reach" title="The share of the requests that begin there that touches what fails, as it was seen">
      {least === most ? least : `${least} to ${most}`} of its requests
    </span>
  );
}
